"""The folder that a run leaves behind."""

import contextlib
import fcntl
import os
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TextIO

from components.errors import UserError

LOG = "kfp.log"
SUMMARY = "run.json"
INDEX = "index.html"
STEPS = "steps"
EVALUATION = "evaluation.json"
PROMOTION = "promotion.json"
DRIFT = "drift.json"
# Which step makes which page.
PAGES = {"data": "visualize-dataset", "training": "train-model", "evaluation": "evaluate-model"}
PAGE_FILES = {"run": INDEX, **{name: f"{name}.html" for name in PAGES}}


@contextlib.contextmanager
def claimed(output: Path) -> Iterator[TextIO]:
    """Makes the folder, or clears the results of the earlier run in it; yields its log.

    Raises:
        UserError: It can't be made, holds other files, or is that of a run that goes on.
    """
    if output.is_dir() and any(output.iterdir()) and not (output / LOG).exists():
        raise UserError(
            f"{output} holds other files; name a new folder, or that of an earlier run."
        )
    try:
        (output / STEPS).mkdir(parents=True, exist_ok=True)  # Docker would make it root's
    except OSError as error:
        raise UserError(f"Can't make the output folder {output}: {error.strerror}.") from error
    with (output / LOG).open("a", buffering=1, encoding="utf-8") as log:
        try:
            fcntl.flock(log, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise UserError(f"Another run is using {output}; name another folder.") from error
        log.truncate(0)
        shutil.rmtree(output / "model", ignore_errors=True)
        for name in (SUMMARY, EVALUATION, PROMOTION, DRIFT, *PAGE_FILES.values()):
            (output / name).unlink(missing_ok=True)
        yield log


def gather(output: Path, artifacts: dict[str, Path]) -> None:
    """Puts what people look for on top of the run's folder; links cost no space."""
    shutil.copytree(artifacts["model"], output / "model", copy_function=_link)
    _link(artifacts["evaluation"], output / EVALUATION)
    _link(artifacts["promotion"], output / PROMOTION)
    _link(artifacts["drift"], output / DRIFT)
    for name in PAGES:
        _link(artifacts[f"{name}_page"], output / PAGE_FILES[name])


def gather_pages(output: Path, made: Mapping[str, Path]) -> None:
    """Puts there the pages, and what moved in the data, of a run that did not reach its end.

    Args:
        output: The run's folder.
        made: Where the outputs of each step are that was done, by its name.
    """
    for name, step in PAGES.items():
        if step in made:
            _link(made[step] / "page", output / PAGE_FILES[name])
    if PAGES["data"] in made:
        _link(made[PAGES["data"]] / "drift", output / DRIFT)


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
