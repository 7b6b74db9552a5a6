"""The training page: what was trained, and how it went."""

import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import keras
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from components import pages
from components.train.augment import Deformation
from components.train.checkpoint import History
from components.train.recipe import Recipe

_EXAMPLES = 10
_MARKERS = 20  # of a curve; more would hide it
_ROWS = 100  # of the table; each takes some 200 bytes


class LayerRow(NamedTuple):
    """One line of `model.summary()`; None in the shape is the number of images."""

    name: str
    kind: str
    output_shape: tuple[int | None, ...]
    parameters: int
    trainable: int


def layer_rows(model: keras.Model) -> list[LayerRow]:
    """Lists the layers of a model, as `model.summary()` does."""
    return [
        LayerRow(
            layer.name,
            type(layer).__name__,
            layer.output.shape,
            layer.count_params(),
            sum(math.prod(variable.shape) for variable in layer.trainable_variables),
        )
        for layer in model.layers
    ]


def deformed_examples(
    recipe: Recipe, image_shape: tuple[int, int], images: np.ndarray
) -> list[tuple[str, str]]:
    """Deforms some images as the recipe does in training.

    Args:
        recipe: Gives the strengths.
        image_shape: Height and width in pixels.
        images: uint8 [n, height * width].

    Returns:
        Pictures before and after, as data URIs; none if the recipe does not deform.
    """
    if not recipe.deforms:
        return []
    before = images[:_EXAMPLES]
    deformed = np.asarray(Deformation(image_shape, recipe)(before, training=True))
    after = deformed.round().astype(np.uint8)
    return [
        (pages.digit_image(old), pages.digit_image(new))
        for old, new in zip(
            before.reshape(-1, *image_shape), after.reshape(-1, *image_shape), strict=True
        )
    ]


def render_page(
    path: Path,
    manifest: Mapping[str, Any],
    layers: list[LayerRow],
    examples: list[tuple[str, str]],
) -> None:
    """Writes the page.

    Args:
        path: Where it goes.
        manifest: As in model.json.
        layers: Of the network that was trained.
        examples: Pictures before and after deformation.
    """
    history = manifest["history"]
    best = max(history, key=lambda entry: entry["val_accuracy"])
    with pages.chart_style():
        charts = {
            "Loss": _against_validation(history, "loss", "Loss", best),
            "Accuracy": _against_validation(history, "accuracy", "Accuracy", best),
            "Learning rate, highest of each epoch": _curve(history, "learning_rate"),
            "Seconds of each epoch": _curve(history, "seconds"),
        }
    svgs = {title: pages.figure_svg(figure, title) for title, figure in charts.items()}
    pages.render(
        "training.html",
        path,
        manifest=manifest,
        history=history,
        rows=_thinned(history, best),
        best=best,
        charts=svgs,
        layers=layers,
        examples=examples,
    )


def _thinned(history: History, best: Mapping[str, float]) -> History:
    """Takes every so many epochs out of a long training, the first, best and last among them."""
    step = math.ceil(len(history) / _ROWS)
    kept = (history[0], best, history[-1])
    return [entry for entry in history if entry["epoch"] % step == 0 or entry in kept]


def _against_validation(
    history: History, key: str, title: str, best: Mapping[str, float]
) -> Figure:
    figure, axes, epochs = _axes(history)
    every = math.ceil(len(history) / _MARKERS)
    training = [entry[key] for entry in history]
    validation = [entry[f"val_{key}"] for entry in history]
    axes.plot(epochs, training, "o-", color=pages.BLUE, label="training", markevery=every)
    axes.plot(epochs, validation, "s-", color=pages.VERMILLION, label="validation", markevery=every)
    axes.axvline(best["epoch"], color=pages.GREEN, linestyle=":", label="best epoch")
    axes.set_ylabel(title)
    axes.legend()
    return figure


def _curve(history: History, key: str) -> Figure:
    figure, axes, epochs = _axes(history)
    every = math.ceil(len(history) / _MARKERS)
    axes.plot(epochs, [entry[key] for entry in history], "o-", color=pages.BLUE, markevery=every)
    axes.set_ylim(bottom=0)
    return figure


def _axes(history: History) -> tuple[Figure, Any, list[int]]:
    figure = Figure()
    axes = figure.add_subplot()
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlim(0.5, len(history) + 0.5)
    return figure, axes, [int(entry["epoch"]) for entry in history]
