"""Runs side by side: how they differ, how good their models are, and how training went."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import MaxNLocator

from components import pages
from components.errors import UserError
from components.promote.candidate import MODEL, parse
from components.promote.model_store import ModelStore
from pipelines.run_folder import EVALUATION

_VERSION = re.compile(r"\d{1,18}", re.ASCII)
_BEST: Mapping[str, Any] = {
    "accuracy": max,
    "loss": min,
    "macro_f1": max,
    "expected_calibration_error": min,
    "auc": max,
}
_CURVES = {
    "val_accuracy": "Validation accuracy",
    "val_loss": "Validation loss",
    "loss": "Training loss",
    "learning_rate": "Highest learning rate",
}

# Lengths without a common factor: 140 lines before two look alike, 28 of them without colour.
_COLOURS = (pages.BLUE, pages.VERMILLION, pages.GREEN, pages.PURPLE, "#000000")
_STYLES = ("-", "--", "-.", ":")
_MARKERS = "os^DvPX"
_MARKERS_OF_A_LINE = 8


@dataclass(frozen=True)
class Run:
    """What is compared of a run.

    Attributes:
        label: Its name on the page, unlike that of any other run there.
        metrics: On the test images, by their names in evaluation.json.
        interval: 95 % interval of the accuracy.
        class_f1: F1 by name of the class.
        parameters: How many the model has.
        device: What it was trained on.
        settings: Recipe, seed, software versions and data, as text by name.
        history: Figures of each epoch; one at least.
        seconds: How long training took, compilation included.
    """

    label: str
    metrics: Mapping[str, float]
    interval: tuple[float, float]
    class_f1: Mapping[str, float]
    parameters: int
    device: str
    settings: Mapping[str, str]
    history: Sequence[Mapping[str, float]]
    seconds: float


def read_runs(names: Sequence[str], store: ModelStore) -> list[Run]:
    """Reads runs.

    Args:
        names: Folders of runs or of versions; digits alone are a version of the store.
        store: Where those versions are.

    Raises:
        UserError: One is not there, incomplete or damaged, or is named twice.
    """
    places = [_place(name, store) for name in names]
    if len(set(places)) < len(places):
        raise UserError("A run is named twice; name each of them once.")
    labels = [_shortest_own_end(place, places) for place in places]
    return [_read(name, label, store) for name, label in zip(names, labels, strict=True)]


def differences(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Finds the settings that are not the same in all runs: a value per run, by name."""
    names = dict.fromkeys(chain.from_iterable(run.settings for run in runs))
    values = {name: [run.settings.get(name, "") for run in runs] for name in names}
    return {name: each for name, each in values.items() if len(set(each)) > 1}


def table(runs: Sequence[Run]) -> tuple[list[str], list[list[str]]]:
    """Makes headings and rows for a terminal: metrics first, then what differs."""
    differing = differences(runs)
    rows = [
        [run.label, *_figures(run), *values]
        for run, *values in zip(runs, *differing.values(), strict=True)
    ]
    return ["run", "accuracy", "95 % interval", "loss", "macro F1", "seconds", *differing], rows


def write_page(path: Path, runs: Sequence[Run]) -> None:
    """Writes the page.

    Raises:
        UserError: It can't be written there.
    """
    with pages.chart_style():
        charts = {title: _chart(runs, key, title) for key, title in _CURVES.items()}
        legend = {run.label: _swatch(run.label, look) for run, look in _looks(runs)}
    best = {name: pick(run.metrics[name] for run in runs) for name, pick in _BEST.items()}
    context = {"charts": charts, "legend": legend, "best": best, "differences": differences(runs)}
    try:
        pages.render("compare.html", path, runs=runs, class_f1=_by_class(runs), **context)
    except OSError as error:
        raise UserError(f"Can't write {path}: {error.strerror}.") from error


def _figures(run: Run) -> list[str]:
    accuracy, (low, high) = run.metrics["accuracy"], run.interval
    loss, macro_f1 = run.metrics["loss"], run.metrics["macro_f1"]
    interval = f"{low:.2%} to {high:.2%}"
    return [f"{accuracy:.2%}", interval, f"{loss:.4f}", f"{macro_f1:.4f}", f"{run.seconds:.1f}"]


def _place(name: str, store: ModelStore) -> tuple[str, ...]:
    """Says where a run is, in parts that get more precise."""
    if _VERSION.fullmatch(name):
        return store.folder.uri, f"version {int(name)}"
    return Path(name).absolute().parts


def _shortest_own_end(place: tuple[str, ...], places: Sequence[tuple[str, ...]]) -> str:
    """Names a place by as many of its last parts as tell it from all others."""
    ends = (place[-length:] for length in range(1, len(place) + 1))
    own = (end for end in ends if sum(each[-len(end) :] == end for each in places) == 1)
    return str(Path(*next(own)))


def _read(name: str, label: str, store: ModelStore) -> Run:
    evaluation, model = _documents(name, store)
    try:
        return _parse(label, model, evaluation)
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        files = f"{EVALUATION} or {MODEL} of {label}"
        raise UserError(f"{files} is incomplete or damaged ({error}); run it again.") from error


def _documents(name: str, store: ModelStore) -> list[dict[str, Any]]:
    if _VERSION.fullmatch(name):
        files = (EVALUATION, MODEL)
        return [parse(store.read(int(name), file), f"{file} of {name}") for file in files]
    folder = Path(name)
    return [_first(folder / EVALUATION), _first(folder / "model" / MODEL, folder / MODEL)]


def _first(*paths: Path) -> dict[str, Any]:
    """Reads the first of these files that is there."""
    for path in paths:
        try:
            return parse(path.read_bytes(), str(path))
        except OSError:
            continue
    advice = "name the folder of a run that succeeded, or the number of a version in the store"
    raise UserError(f"Can't read {paths[0]}; {advice}.")


def _parse(label: str, model: Mapping[str, Any], evaluation: Mapping[str, Any]) -> Run:
    low, high = evaluation["accuracy_interval"]
    metrics = {**evaluation, **evaluation["roc"]}
    keys = (*_CURVES, "epoch", "seconds")
    history = [{key: float(epoch[key]) for key in keys} for epoch in model["history"]]
    if not history:
        raise ValueError("no epochs")
    return Run(
        label=label,
        metrics={name: float(metrics[name]) for name in _BEST},
        interval=(float(low), float(high)),
        class_f1={str(each["name"]): float(each["f1"]) for each in evaluation["per_class"]},
        parameters=int(model["parameters"]),
        device=str(model["device"]),
        settings=_settings(model, evaluation["dataset_fingerprint"]),
        history=history,
        seconds=sum(epoch["seconds"] for epoch in history),
    )


def _settings(model: Mapping[str, Any], data: str) -> dict[str, str]:
    recipe = {"recipe" if key == "name" else key: value for key, value in model["recipe"].items()}
    settings = {**recipe, "seed": model["seed"], **model["versions"], "data": data[:12]}
    return {
        name: f"{value:g}" if isinstance(value, float) else str(value)
        for name, value in settings.items()
    }


def _by_class(runs: Sequence[Run]) -> dict[str, list[float]]:
    """F1 of each class in each run; nothing if their classes are not the same."""
    if len({frozenset(run.class_f1) for run in runs}) > 1:
        return {}
    return {name: [run.class_f1[name] for run in runs] for name in runs[0].class_f1}


def _looks(runs: Sequence[Run]) -> list[tuple[Run, dict[str, Any]]]:
    """Gives each run a line that no other has, with or without colour."""
    looks = zip(runs, cycle(_COLOURS), cycle(_STYLES), cycle(_MARKERS), strict=False)
    return [
        (run, {"color": colour, "linestyle": style, "marker": marker})
        for run, colour, style, marker in looks
    ]


def _chart(runs: Sequence[Run], key: str, title: str) -> Markup:
    figure = Figure()
    axes = figure.add_subplot(xlabel="Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    for run, look in _looks(runs):
        xs, ys = zip(*((epoch["epoch"], epoch[key]) for epoch in run.history), strict=True)
        axes.plot(xs, ys, markevery=-(-len(xs) // _MARKERS_OF_A_LINE), **look)
    last = ", ".join(f"{run.label}: {run.history[-1][key]:.4g}" for run in runs)
    return pages.figure_svg(figure, f"{title} by epoch, in the last one {last}")


def _swatch(label: str, look: dict[str, Any]) -> Markup:
    """Draws a piece of a run's line, for a legend that wraps long names as HTML does."""
    figure = Figure(figsize=(0.6, 0.2))
    figure.add_artist(Line2D([0, 0.5, 1], [0.5, 0.5, 0.5], markevery=[1], **look))
    return pages.figure_svg(figure, f"Line of {label}")
