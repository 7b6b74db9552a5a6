"""The page about an evaluation."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from components import pages
from components.evaluate.evaluation import Evaluation, Roc
from components.evaluate.metrics import CalibrationBin


@dataclass(frozen=True)
class Cell:
    """A cell of the heat map; `share` from 0 to 1 says how deep its colour is."""

    count: int
    share: float


@dataclass(frozen=True)
class Confusion:
    """How often one class was taken for another; classes by index."""

    label: int
    prediction: int
    count: int


def write(path: Path, evaluation: Evaluation, images: np.ndarray) -> None:
    """Writes the page.

    Args:
        path: Where it goes, as HTML.
        evaluation: What it shows.
        images: uint8 [n, height, width], the test images that the evaluation's indices mean.
    """
    confusion = np.array(evaluation.confusion_matrix)
    pages.render(
        "evaluation.html",
        path,
        evaluation=evaluation,
        heat_map=heat_map(confusion),
        confusions=most_frequent_confusions(confusion),
        roc_chart=_roc_chart(evaluation.roc),
        reliability_chart=_reliability_chart(evaluation.calibration),
        picture=lambda index: pages.digit_image(images[index]),
    )


def heat_map(confusion: np.ndarray) -> list[list[Cell]]:
    """Gives each count its depth of colour.

    Right answers (the diagonal) are measured against the images of their class, mistakes against
    the most frequent mistake, by the square root, so that single ones are seen.

    Args:
        confusion: int64 [classes, classes], labels in rows.
    """
    mistakes = confusion - np.diag(np.diag(confusion))
    shares = np.sqrt(mistakes / max(1, mistakes.max()))
    np.fill_diagonal(shares, np.diag(confusion) / np.maximum(1, confusion.sum(axis=1)))
    return [
        [Cell(count, round(share, 3)) for count, share in zip(*row, strict=True)]
        for row in zip(confusion.tolist(), shares.tolist(), strict=True)
    ]


def most_frequent_confusions(confusion: np.ndarray, limit: int = 5) -> list[Confusion]:
    """Finds the pairs of classes that are mistaken most often, the most frequent first."""
    pairs = [
        Confusion(int(label), int(prediction), int(confusion[label, prediction]))
        for label, prediction in zip(*np.nonzero(confusion), strict=True)
        if label != prediction
    ]
    return sorted(pairs, key=lambda pair: -pair.count)[:limit]


def _roc_chart(roc: Roc) -> Markup:
    from matplotlib.figure import Figure

    with pages.chart_style():
        figure = Figure()
        axes = figure.subplots()
        # On a linear axis, the curve of a good classifier would be two sides of the frame.
        left = min((rate for rate in roc.fpr if rate > 0), default=1) / 2
        axes.plot(np.maximum(roc.fpr, left), roc.tpr, color=pages.BLUE, label="model")
        chance = np.geomspace(left, 1, 50)
        axes.plot(chance, chance, "k:", linewidth=1, label="chance")
        axes.set(xscale="log", xlim=(left, 1), ylim=(0, 1.02))
        axes.set(xlabel="false positive rate (log)", ylabel="true positive rate")
        axes.xaxis.set_major_formatter("{x:g}")
        axes.legend(loc="lower right")
        alt = f"ROC curve, micro-averaged over the classes, area under it {roc.auc:.4f}"
        return pages.figure_svg(figure, alt)


def _reliability_chart(bins: list[CalibrationBin]) -> Markup:
    from matplotlib.figure import Figure

    with pages.chart_style():
        figure = Figure()
        accuracy, count = figure.subplots(2, sharex=True, height_ratios=(3, 1))
        centres = [(each.lower + each.upper) / 2 for each in bins]
        widths = [0.9 * (each.upper - each.lower) for each in bins]
        accuracy.bar(centres, [each.accuracy for each in bins], widths, color=pages.BLUE)
        accuracy.plot([0, 1], [0, 1], "k:", linewidth=1, label="perfectly calibrated")
        accuracy.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
        accuracy.legend(loc="upper left")
        count.bar(centres, [each.count for each in bins], widths, color=pages.VERMILLION)
        count.set(xlabel="confidence", ylabel="images", yscale="log")
        count.yaxis.set_major_formatter("{x:,.0f}")
        shown = ", ".join(f"{each.accuracy:.0%} at {each.confidence:.0%}" for each in bins)
        return pages.figure_svg(figure, f"Reliability diagram: accuracy by confidence: {shown}")
