"""The model card: what a person wants to know before using a version.

After Mitchell et al. (2019), "Model Cards for Model Reporting", FAT* '19.
"""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, StrictUndefined

# What could begin markup, HTML, an entity or a link inside a line of GitHub's Markdown.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#!:@$]|(?<=www)\.)")
_TEMPLATE = Path(__file__).with_name("model_card.md")


def render(name: str, version: int, model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """Writes the card of one version as Markdown.

    Args:
        name: The model's name in the store.
        version: Its version there.
        model: The content of ``model.json``.
        evaluation: The content of ``evaluation.json``.
    """
    environment = Environment(
        finalize=_text,
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    template = environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))
    return template.render(
        name=name,
        version=version,
        model=model,
        evaluation=evaluation,
        decimals="{:.4f}".format,
        interval=_interval,
    )


def _interval(bounds: tuple[float, float], form: str = "%.4f") -> str:
    return f"{form} to {form}" % tuple(bounds)


def _text(value: object) -> str:
    """Makes any value plain text in Markdown: names come from data and could be markup."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))
