"""The model card: what a person wants to know before using a version.

After Mitchell et al. (2019), "Model Cards for Model Reporting", FAT* '19.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any

# What could begin markup, HTML, an entity or a link inside a line of GitHub's Markdown.
_MARKUP = re.compile(r"([\\`*_\[\]<>|~&#!:@$]|(?<=www)\.)")


def render(name: str, version: int, model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    """Writes the card of one version as Markdown.

    Args:
        name: The model's name in the store.
        version: Its version there.
        model: The content of ``model.json``.
        evaluation: The content of ``evaluation.json``.
    """
    parts = (
        f"# {_text(name)}, version {version}",
        _summary(model, evaluation),
        "## Not for",
        _limits(evaluation),
        "## Data",
        _table(("", ""), _data(model, evaluation)),
        "## Test results",
        _table(("", ""), _results(evaluation)),
        _table(("class", "precision", "recall", "F1", "test images"), _classes(evaluation)),
        "## Recipe",
        _table(("field", "value"), {**model["recipe"], "seed": model["seed"]}.items()),
        "## Versions",
        _table(("software", "version"), {**model["versions"], "device": model["device"]}.items()),
    )
    return "\n\n".join(parts) + "\n"


def _summary(model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> str:
    height, width = model["image_shape"]
    units = ", ".join(map(str, model["hidden_units"])) or "no"
    low, high = evaluation["accuracy_interval"]
    return (
        f"A Dense network ({_text(units)} hidden units, {model['parameters']} parameters) that "
        f"sorts grey images of {height} x {width} pixels into {len(evaluation['class_names'])} "
        f"classes. Test accuracy {evaluation['accuracy']:.4f}, 95 % interval {low:.4f} to "
        f"{high:.4f}."
    )


def _limits(evaluation: Mapping[str, Any]) -> str:
    return (
        "Images that are not of the kind it was trained on: photographs, several signs in one "
        f"image, other classes than the {len(evaluation['class_names'])} below. It answers for "
        "these too, often with high probability. Not for decisions about people without a person "
        "who checks them. Test images come from the same source as the training images, so "
        "accuracy elsewhere is lower."
    )


def _data(model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    data = model["dataset"]
    return (
        ("fingerprint", data["fingerprint"]),
        ("training images", data["train"]),
        ("validation images", data["validation"]),
        ("test images", evaluation["num_test_images"]),
    )


def _results(evaluation: Mapping[str, Any]) -> Iterable[tuple[str, Any]]:
    names = ("accuracy", "loss", "macro_precision", "macro_recall", "macro_f1")
    yield from ((name, _number(evaluation[name])) for name in names)
    low, high = evaluation["accuracy_interval"]
    yield "accuracy, 95 % interval", f"{low:.4f} to {high:.4f}"
    champion = evaluation["champion"]
    if champion is not None and "mcnemar" in champion:
        low, high = champion["difference_interval"]
        yield (
            f"accuracy less that of version {champion['version']}, 95 % interval",
            f"{champion['difference']:+.4f} ({low:+.4f} to {high:+.4f})",
        )


def _classes(evaluation: Mapping[str, Any]) -> Iterable[tuple[Any, ...]]:
    for one in evaluation["per_class"]:
        scores = (_number(one[key]) for key in ("precision", "recall", "f1"))
        yield one["name"], *scores, one["support"]


def _number(value: float) -> str:
    return f"{value:.4f}"


def _table(head: tuple[str, ...], rows: Iterable[tuple[Any, ...]]) -> str:
    lines = (head, ("---",) * len(head), *(tuple(map(_text, row)) for row in rows))
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _text(value: object) -> str:
    """Makes any value plain text in Markdown: names come from data and could be markup."""
    return _MARKUP.sub(r"\\\1", " ".join(str(value).split()))
