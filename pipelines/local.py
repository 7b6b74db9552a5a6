"""Runs the pipeline on this machine with KFP's local runner."""

import contextlib
import json
import logging
import os
import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TextIO

from components.errors import UserError
from components.files import write_json
from components.promote.model_store import open_store
from components.promote.policy import Policy
from components.train.recipe import check_seed, parse_overrides, resolve
from pipelines import run_folder, run_page, runners
from pipelines.config import STEPS
from pipelines.runner_log import Observer, RunnerLog, Step

CACHE = ".mnist-pipeline-cache"

_EXCEPTION = re.compile(r"^(?:[a-z_]\w*\.)*([A-Z]\w*(?:Error|Exception)): (.+)$")
_LAST_LINES = 5


@dataclass(frozen=True)
class RunRequest:
    """What to run, and where, as the options of ``mnist-pipeline run`` have it.

    Settings are fields of the recipe to change, each as ``key=value``; the cache is shared with
    the runs beside this one; an empty store stands for none.
    """

    data: str
    recipe: str
    settings: tuple[str, ...]
    seed: int
    output: Path
    cache: bool = True
    runner: str = "subprocess"
    gpus: bool = False
    store: str = ""
    name: str = "mnist"
    min_accuracy: float = Policy.min_accuracy
    significance: float = Policy.significance
    require_improvement: bool = Policy.require_improvement


@dataclass(frozen=True)
class RunResult:
    """How a run went.

    Attributes:
        steps: Every step of the graph, in order.
        output: The run's folder, absolute.
        evaluation: The content of ``evaluation.json``; empty if the run failed.
        error: What went wrong, in one sentence; None if the run succeeded.
        promotion: What became of the model, a `Promotion`; empty if the run failed.
        warnings: What of the data moved beyond its bound since the champion was trained.
    """

    steps: list[Step]
    output: Path
    evaluation: dict[str, Any]
    error: str | None = None
    promotion: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def started(self) -> bool:
        """Whether any step ran; if not, what is in the folder is another run's."""
        return any(step.state != "skipped" for step in self.steps)

    def summary(self) -> dict[str, Any]:
        """The run as one JSON document, as ``--json`` prints it."""
        well = self.error is None
        pages = {name: self.output / file for name, file in run_folder.PAGE_FILES.items()}
        document = {
            "status": "succeeded" if well else "failed",
            **{name: self.evaluation.get(name) for name in ("accuracy", "loss", "macro_f1")},
            "steps": [
                {"name": step.name, "state": step.state, "seconds": round(step.seconds, 3)}
                for step in self.steps
            ],
            "output": str(self.output),
            "promotion": self.promotion or None,
            "warnings": list(self.warnings),
            "model": str(self.output / "model") if well else None,
            "pages": {
                name: str(page) for name, page in pages.items() if self.started and page.exists()
            },
        }
        return document if well else {**document, "error": self.error}


def run(request: RunRequest, observer: Observer, echo: TextIO | None = None) -> RunResult:
    """Runs the pipeline and gathers what it made in the output folder.

    Args:
        request: What to run.
        observer: Told of every step as it starts, progresses and ends.
        echo: Where to show KFP's own output as well; it always goes to ``kfp.log``.

    Returns:
        The result; a failed step is a result too, and so is an interruption.

    Raises:
        UserError: If the recipe, a setting, the runner or the output folder can't be used.
    """
    overrides = parse_overrides(request.settings)
    resolve(request.recipe, overrides)  # a mistake shows before anything runs
    check_seed(request.seed)
    output = request.output.absolute()
    arguments = _arguments(request, overrides)
    open_store(arguments["store"], request.name)  # so does a name that is refused
    read, written = [arguments["data"]], [arguments["checkpoints"], arguments["store"]]
    runner, config = runners.choose(request.runner, read, written, request.gpus)
    # Takes a while, in which an interruption must not find the folder cleared.
    from pipelines.training import training_pipeline

    with run_folder.claimed(output) as log:
        stream = RunnerLog(STEPS, observer, *([log, echo] if echo else [log]))
        steps = list(stream.steps.values())
        try:
            with _captured(stream):
                pipeline = training_pipeline(config)
                artifacts = _execute(pipeline, arguments, runner, output, request.cache)
            result = _result(steps, output, artifacts)
        except KeyboardInterrupt:
            stream.interrupt()
            result = _failed(steps, output, "The run was stopped.")
        run_page.write(request, result)
        write_json(output / run_folder.SUMMARY, result.summary())
    return result


def not_started(request: RunRequest, error: str) -> RunResult:
    """The result of a run that was refused before its first step."""
    return RunResult([Step(name) for name in STEPS], request.output.absolute(), {}, error)


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
        "data": request.data if request.data == "mnist" else _absolute(request.data),
        "recipe": request.recipe,
        "overrides": overrides,
        "seed": request.seed,
        "checkpoints": str(request.output.absolute().parent / CACHE / "checkpoints"),
        "store": _absolute(request.store) if request.store else "",
        "name": request.name,
        **asdict(Policy(request.min_accuracy, request.significance, request.require_improvement)),
    }


def _execute(
    pipeline: Any, arguments: dict[str, Any], runner: Any, output: Path, cache: bool
) -> dict[str, Any]:
    """Runs the compiled graph; returns its output artifacts, none if a step failed."""
    from kfp.local import init

    init(
        runner=runner,
        pipeline_root=str(output / run_folder.STEPS),
        enable_caching=cache,
        cache_root=str(output.parent / CACHE),
        raise_on_error=False,
    )
    return dict(pipeline(**arguments).outputs)


def _absolute(uri: str) -> str:
    """Makes a local path absolute, so that the cache tells two folders apart."""
    return uri if "://" in uri else os.path.abspath(uri)  # noqa: PTH100


def _result(steps: list[Step], output: Path, artifacts: dict[str, Any]) -> RunResult:
    failed = next((step for step in steps if step.state == "failed"), None)
    if failed is not None:
        return _failed(steps, output, _explain(failed))
    missing = [name for name, artifact in artifacts.items() if not Path(artifact.path).exists()]
    if missing or not artifacts:
        return _failed(steps, output, f"The run ended without {', '.join(missing) or 'results'}.")
    run_folder.gather(output, {name: Path(artifact.path) for name, artifact in artifacts.items()})
    evaluation = json.loads((output / run_folder.EVALUATION).read_text())
    promotion = json.loads((output / run_folder.PROMOTION).read_text())
    return RunResult(steps, output, evaluation, None, promotion, _warnings(output))


def _failed(steps: list[Step], output: Path, error: str) -> RunResult:
    made = {step.name: folder for step in steps if (folder := _outputs(step, output))}
    run_folder.gather_pages(output, made)
    return RunResult(steps, output, {}, error, warnings=_warnings(output))


def _outputs(step: Step, output: Path) -> Path | None:
    """Finds the folder with the outputs of a step that is done, for those that KFP tells nobody."""
    if step.state == "succeeded":
        newest = max((output / run_folder.STEPS).iterdir())  # they are named by the time
        return newest / step.name
    if step.state == "cached":
        (entry,) = (output.parent / CACHE).glob(f"{step.cache_key}*.json")
        values = json.loads(entry.read_text()).values()
        uris = [value["uri"] for value in values if isinstance(value, dict) and "uri" in value]
        return Path(uris[0]).parent
    return None


def _warnings(output: Path) -> tuple[str, ...]:
    drift = output / run_folder.DRIFT
    return tuple(json.loads(drift.read_text())["warnings"]) if drift.exists() else ()


def _explain(step: Step) -> str:
    """Finds the sentence that says why a step failed."""
    for line in reversed(step.lines):
        if match := _EXCEPTION.match(line):
            name, message = match.groups()
            return message if name == UserError.__name__ else f"{step.name}: {name}: {message}"
    last = "".join(f"\n  {line}" for line in step.lines[-_LAST_LINES:])
    return f"{step.name} failed; its last lines:{last or ' none'}"
