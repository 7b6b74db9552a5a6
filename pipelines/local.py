"""Runs the pipeline on this machine with KFP's local runner."""

import contextlib
import json
import logging
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from components.errors import UserError
from components.files import write_json
from components.train.recipe import parse_overrides, resolve
from pipelines import runners
from pipelines.config import STEPS
from pipelines.runner_log import Observer, RunnerLog, Step

LOG = "kfp.log"
SUMMARY = "run.json"
CACHE = ".mnist-pipeline-cache"
STEPS_FOLDER = "steps"
PAGES = {
    "data": "data_page",
    "training": "training_page",
    "evaluation": "evaluation_page",
}

_EXCEPTION = re.compile(r"^(?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception)): (.+)$")
_LAST_LINES = 5


@dataclass(frozen=True)
class RunRequest:
    """What to run, and where.

    Attributes:
        data: URI of the raw data.
        recipe: Name of a training recipe.
        settings: Recipe fields to change, each as ``key=value``.
        seed: Seed of the split and of training.
        output: Folder for everything that the run leaves behind.
        cache: Whether steps may be reused from earlier runs beside this one.
        runner: Where steps execute: "subprocess" or "docker".
        gpus: Whether the Docker runner hands out GPUs.
    """

    data: str
    recipe: str
    settings: tuple[str, ...]
    seed: int
    output: Path
    cache: bool = True
    runner: str = "subprocess"
    gpus: bool = False


@dataclass(frozen=True)
class RunResult:
    """How a run went.

    Attributes:
        steps: Every step of the graph, in order.
        output: The run's folder, absolute.
        evaluation: The content of ``evaluation.json``; empty if the run failed.
        error: What went wrong, in one sentence; None if the run succeeded.
    """

    steps: list[Step]
    output: Path
    evaluation: dict[str, Any]
    error: str | None = None

    def summary(self) -> dict[str, Any]:
        """The run as one JSON document, as ``--json`` prints it."""
        found = self.error is None
        document = {
            "status": "succeeded" if found else "failed",
            "accuracy": self.evaluation.get("accuracy"),
            "loss": self.evaluation.get("loss"),
            "macro_f1": self.evaluation.get("macro_f1"),
            "steps": [
                {"name": step.name, "state": step.state, "seconds": round(step.seconds, 3)}
                for step in self.steps
            ],
            "output": str(self.output),
            "model": str(self.output / "model") if found else None,
            "pages": {name: str(self.output / f"{name}.html") for name in PAGES} if found else {},
        }
        return document if found else {**document, "error": self.error}


def run(request: RunRequest, observer: Observer, echo: TextIO | None = None) -> RunResult:
    """Runs the pipeline and gathers what it made in the output folder.

    Args:
        request: What to run.
        observer: Told of every step as it starts, progresses and ends.
        echo: Where to show KFP's own output as well; it always goes to ``kfp.log``.

    Returns:
        The result; a failed step is a result too.

    Raises:
        UserError: If the recipe, a setting, the runner or the output folder can't be used.
    """
    overrides = parse_overrides(request.settings)
    resolve(request.recipe, overrides)  # a mistake shows before anything runs
    output = request.output.absolute()
    arguments = _arguments(request, overrides)
    read, written = [arguments["data"]], [arguments["checkpoints"]]
    runner, config = runners.choose(request.runner, read, written, request.gpus)
    _claim_folder(output)
    from pipelines.training import training_pipeline

    with (output / LOG).open("w", buffering=1, encoding="utf-8") as log:
        stream = RunnerLog(STEPS, observer, *([log, echo] if echo else [log]))
        with _captured(stream):
            pipeline = training_pipeline(config)
            artifacts = _execute(pipeline, arguments, runner, output, request.cache)
    result = _result(list(stream.steps.values()), output, artifacts)
    write_json(output / SUMMARY, result.summary())
    return result


def not_started(request: RunRequest, error: str) -> RunResult:
    """The result of a run that was refused before its first step."""
    return RunResult([Step(name) for name in STEPS], request.output.absolute(), {}, error)


def _claim_folder(output: Path) -> None:
    """Makes the folder, or clears the results of the earlier run in it."""
    if output.is_dir() and any(output.iterdir()) and not (output / LOG).exists():
        raise UserError(
            f"{output} holds other files; name a new folder, or that of an earlier run."
        )
    try:
        (output / STEPS_FOLDER).mkdir(parents=True, exist_ok=True)  # Docker would make it root's
    except OSError as error:
        raise UserError(f"Can't make the output folder {output}: {error.strerror}.") from error
    shutil.rmtree(output / "model", ignore_errors=True)
    for name in (SUMMARY, "evaluation.json", *(f"{page}.html" for page in PAGES)):
        (output / name).unlink(missing_ok=True)


@contextlib.contextmanager
def _captured(stream: RunnerLog) -> Iterator[None]:
    """Sends what KFP prints, logs and warns into the stream."""
    root = logging.getLogger()
    handler = logging.StreamHandler(stream)
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.INFO)
    logging.captureWarnings(True)
    try:
        with contextlib.redirect_stdout(stream):
            yield
    finally:
        logging.captureWarnings(False)
        root.setLevel(level)
        root.removeHandler(handler)


def _arguments(request: RunRequest, overrides: dict[str, Any]) -> dict[str, Any]:
    """What the pipeline is called with."""
    return {
        "data": _absolute(request.data),
        "recipe": request.recipe,
        "overrides": overrides,
        "seed": request.seed,
        "checkpoints": str(request.output.absolute().parent / CACHE / "checkpoints"),
    }


def _execute(
    pipeline: Any, arguments: dict[str, Any], runner: Any, output: Path, cache: bool
) -> dict[str, Any]:
    """Runs the compiled graph; returns its output artifacts, none if a step failed."""
    from kfp.local import init

    init(
        runner=runner,
        pipeline_root=str(output / STEPS_FOLDER),
        enable_caching=cache,
        cache_root=str(output.parent / CACHE),
        raise_on_error=False,
    )
    return dict(pipeline(**arguments).outputs)


def _absolute(data: str) -> str:
    """Makes a local path absolute, so that the cache tells two folders apart."""
    return data if data == "mnist" or "://" in data else os.path.abspath(data)  # noqa: PTH100


def _result(steps: list[Step], output: Path, artifacts: dict[str, Any]) -> RunResult:
    failed = next((step for step in steps if step.state == "failed"), None)
    if failed is not None:
        return RunResult(steps, output, {}, _explain(failed))
    missing = [name for name, artifact in artifacts.items() if not Path(artifact.path).exists()]
    if missing or not artifacts:
        return RunResult(steps, output, {}, f"The run ended without {', '.join(missing)}.")
    _gather(output, {name: Path(artifact.path) for name, artifact in artifacts.items()})
    return RunResult(steps, output, json.loads((output / "evaluation.json").read_text()))


def _explain(step: Step) -> str:
    """Finds the sentence that says why a step failed."""
    for line in reversed(step.lines):
        if match := _EXCEPTION.match(line):
            name, message = match.groups()
            return message if name == UserError.__name__ else f"{step.name}: {name}: {message}"
    last = "".join(f"\n  {line}" for line in step.lines[-_LAST_LINES:])
    return f"{step.name} failed; its last lines:{last or ' none'}"


def _gather(output: Path, artifacts: dict[str, Path]) -> None:
    """Puts what people look for on top of the run's folder; links cost no space."""
    shutil.copytree(artifacts["model"], output / "model", copy_function=_link)
    _link(artifacts["evaluation"], output / "evaluation.json")
    for name, artifact in PAGES.items():
        _link(artifacts[artifact], output / f"{name}.html")


def _link(source: str | Path, target: str | Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system
        shutil.copy2(source, target)
