"""The training page: what was trained, and how it went."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from components import pages
from components.train.checkpoint import History


def render_page(path: Path, manifest: Mapping[str, Any], history: History, summary: str) -> None:
    """Writes the page.

    Args:
        path: Where it goes.
        manifest: As in model.json: recipe, seed, device, versions, dataset.
        history: One entry per epoch.
        summary: What `model.summary()` prints.
    """
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
        best=best,
        charts=svgs,
        summary=summary,
    )


def _against_validation(
    history: History, key: str, title: str, best: Mapping[str, float]
) -> Figure:
    figure, axes, epochs = _axes(history)
    axes.plot(epochs, [entry[key] for entry in history], "o-", color=pages.BLUE, label="training")
    validation = [entry[f"val_{key}"] for entry in history]
    axes.plot(epochs, validation, "s-", color=pages.VERMILLION, label="validation")
    axes.axvline(best["epoch"], color=pages.GREEN, linestyle=":", label="best epoch")
    axes.set_ylabel(title)
    axes.legend()
    return figure


def _curve(history: History, key: str) -> Figure:
    figure, axes, epochs = _axes(history)
    axes.plot(epochs, [entry[key] for entry in history], "o-", color=pages.BLUE)
    axes.set_ylim(bottom=0)
    return figure


def _axes(history: History) -> tuple[Figure, Any, list[int]]:
    figure = Figure()
    axes = figure.add_subplot()
    axes.set_xlabel("Epoch")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    return figure, axes, [int(entry["epoch"]) for entry in history]
