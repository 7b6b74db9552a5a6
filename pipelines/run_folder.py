"""The folder that a run leaves behind."""

import os
import shutil
from pathlib import Path

from components.errors import UserError

LOG = "kfp.log"
SUMMARY = "run.json"
INDEX = "index.html"
STEPS = "steps"
EVALUATION = "evaluation.json"
PROMOTION = "promotion.json"
PAGES = ("data", "training", "evaluation")
PAGE_FILES = {"run": INDEX, **{name: f"{name}.html" for name in PAGES}}


def claim(output: Path) -> None:
    """Makes the folder, or clears the results of the earlier run in it."""
    if output.is_dir() and any(output.iterdir()) and not (output / LOG).exists():
        raise UserError(
            f"{output} holds other files; name a new folder, or that of an earlier run."
        )
    try:
        (output / STEPS).mkdir(parents=True, exist_ok=True)  # Docker would make it root's
    except OSError as error:
        raise UserError(f"Can't make the output folder {output}: {error.strerror}.") from error
    shutil.rmtree(output / "model", ignore_errors=True)
    for name in (SUMMARY, EVALUATION, PROMOTION, *PAGE_FILES.values()):
        (output / name).unlink(missing_ok=True)


def gather(output: Path, artifacts: dict[str, Path]) -> None:
    """Puts what people look for on top of the run's folder; links cost no space."""
    shutil.copytree(artifacts["model"], output / "model", copy_function=_link)
    _link(artifacts["evaluation"], output / EVALUATION)
    _link(artifacts["promotion"], output / PROMOTION)
    for name in PAGES:
        _link(artifacts[f"{name}_page"], output / PAGE_FILES[name])


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
