"""Runs side by side: how they differ, how good their models are, and how training went."""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, cycle
from pathlib import Path
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from components import pages
from components.errors import UserError
from components.promote.candidate import MODEL, parse
from components.promote.model_store import ModelStore
from pipelines.run_folder import EVALUATION, LOG

_VERSION = re.compile(r"\d{1,18}", re.ASCII)
_METRICS = ("accuracy", "loss", "macro_f1", "expected_calibration_error", "auc")
_CURVES = {
    "val_accuracy": "Validation accuracy",
    "val_loss": "Validation loss",
    "loss": "Training loss",
    "learning_rate": "Highest learning rate",
}
_FIGURES = {
    "accuracy": "{0.metrics[accuracy]:.2%}",
    "95 % interval": "{0.interval[0]:.2%} to {0.interval[1]:.2%}",
    "loss": "{0.metrics[loss]:.4f}",
    "macro F1": "{0.metrics[macro_f1]:.4f}",
    "training seconds": "{0.seconds:.1f}",
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
        class_f1: F1 by name of the class; None without test images.
        parameters: How many the model has.
        device: What it was trained on.
        settings: Recipe, seed, software versions and data, as text by name.
        test: What the images that it was scored on were made from, and the digest of images and
            labels; the latter is empty in models of before it was kept.
        validation: The same of the validation images.
        history: Figures of each epoch; one at least.
        seconds: How long training took, compilation included.
    """

    label: str
    metrics: Mapping[str, float]
    interval: tuple[float, float]
    class_f1: Mapping[str, float | None]
    parameters: int
    device: str
    settings: Mapping[str, str]
    test: tuple[str, str]
    validation: tuple[str, str]
    history: Sequence[Mapping[str, float]]
    seconds: float


def is_unfinished(name: str) -> bool:
    """Says whether this is the folder of a run that failed, was interrupted or still goes on."""
    try:
        files = {path.name for path in Path(name).iterdir()}
    except OSError:
        return False
    return LOG in files and EVALUATION not in files and not _VERSION.fullmatch(name)


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


def same_images(images: Sequence[tuple[str, str]]) -> bool:
    """Compares `test` or `validation` of runs; the same origin stands in for a missing digest."""
    known = {origin: digest for origin, digest in images if digest}
    return len({digest or known.get(origin, origin) for origin, digest in images}) == 1


def differences(runs: Sequence[Run]) -> dict[str, list[str]]:
    """Finds the settings that are not the same in all runs: a value per run, by name."""
    values = _side_by_side([run.settings for run in runs], "\N{EN DASH}")
    return {name: each for name, each in values.items() if len(set(each)) > 1}


def table(runs: Sequence[Run]) -> tuple[list[str], list[list[str]]]:
    """Makes headings and rows for a terminal: a column per run; metrics, then what differs."""
    figures = {name: [text.format(run) for run in runs] for name, text in _FIGURES.items()}
    rows = chain(figures.items(), differences(runs).items())
    return ["", *(run.label for run in runs)], [[name, *values] for name, values in rows]


def write_page(path: Path, runs: Sequence[Run]) -> None:
    """Writes the page.

    Raises:
        UserError: It can't be written there.
    """
    with pages.chart_style():
        charts = {title: _chart(runs, key, title) for key, title in _CURVES.items()}
        legend = {run.label: _swatch(run.label, look) for run, look in _looks(runs)}
    context = {
        "class_f1": _side_by_side([run.class_f1 for run in runs], None),
        "differences": differences(runs),
        "same_test": same_images([run.test for run in runs]),
        "same_validation": same_images([run.validation for run in runs]),
    }
    try:
        pages.render("compare.html", path, runs=runs, charts=charts, legend=legend, **context)
    except OSError as error:
        raise UserError(f"Can't write {path}: {error.strerror}.") from error


def _side_by_side(of_runs: Sequence[Mapping[str, Any]], missing: Any) -> dict[str, list[Any]]:
    """Makes a value per run, by name, of all names that any run has."""
    names = dict.fromkeys(chain.from_iterable(of_runs))
    return {name: [of_run.get(name, missing) for of_run in of_runs] for name in names}


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
        return [parse(store.read(int(name), f), f"{f} of {name}") for f in (EVALUATION, MODEL)]
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
    history = [{key: _number(epoch[key]) for key in keys} for epoch in model["history"]]
    class_f1 = {str(each["name"]): _f1(each) for each in evaluation["per_class"]}
    if not history or not class_f1:
        raise ValueError("no epochs or no classes")
    data = evaluation["dataset_fingerprint"]
    return Run(
        label=label,
        metrics={name: _number(metrics[name]) for name in _METRICS},
        interval=(_number(low), _number(high)),
        class_f1=class_f1,
        parameters=int(_number(model["parameters"])),
        device=str(model["device"]),
        settings=_settings(model, data),
        test=_images(model, "test", data),
        validation=_images(model, "validation", f"{data}, seed {model['seed']}"),
        history=history,
        seconds=sum(epoch["seconds"] for epoch in history),
    )


def _f1(report: Mapping[str, Any]) -> float | None:
    return _number(report["f1"]) if report["support"] else None


def _number(value: Any) -> float:
    """Refuses what JSON may hold in the place of a number."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{value!r:.40} is no number")
    return value


def _images(model: Mapping[str, Any], split: str, origin: str) -> tuple[str, str]:
    splits = model["dataset"].get("splits")
    digests = [splits[split][key] for key in ("images_sha256", "labels_sha256")] if splits else []
    return origin, "".join(digests)


def _settings(model: Mapping[str, Any], data: str) -> dict[str, str]:
    recipe = {"recipe" if key == "name" else key: value for key, value in model["recipe"].items()}
    image = "{:d}x{:d}".format(*model["image_shape"])
    of_data = {"data": data[:12], "image": image, "classes": len(model["class_names"])}
    settings = {**recipe, "seed": _number(model["seed"]), **model["versions"], **of_data}
    return {name: _text(value) for name, value in settings.items()}


def _text(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_text, value))
    return f"{_number(value):g}" if isinstance(value, float) else str(value)


def _looks(runs: Sequence[Run]) -> list[tuple[Run, dict[str, Any]]]:
    """Gives each run a line that no other has, with or without colour."""
    names = ("color", "linestyle", "marker")
    looks = zip(cycle(_COLOURS), cycle(_STYLES), cycle(_MARKERS), strict=False)
    return [(run, dict(zip(names, next(looks), strict=True))) for run in runs]


def _chart(runs: Sequence[Run], key: str, title: str) -> Markup:
    figure = Figure()
    axes = figure.add_subplot(xlabel="Epoch")
    axes.locator_params(axis="x", integer=True)
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
