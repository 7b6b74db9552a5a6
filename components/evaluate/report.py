"""The page about an evaluation."""

import math
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup

from components import pages
from components.evaluate.evaluation import Evaluation, Roc
from components.evaluate.metrics import CalibrationBin

if TYPE_CHECKING:
    from matplotlib.axis import Axis


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
        shares=heat_map_shares(confusion),
        shown=most_confused_classes(confusion),
        confusions=most_frequent_confusions(confusion),
        roc_chart=_roc_chart(evaluation.roc),
        reliability_chart=_reliability_chart(evaluation.calibration),
        images=images,
    )


def heat_map_shares(confusion: np.ndarray) -> list[list[float]]:
    """Gives each count its depth of colour, from 0 to 1.

    Right answers (the diagonal) are measured against the images of their class, mistakes against
    the most frequent mistake, by the square root, so that single ones are seen.

    Args:
        confusion: int64 [classes, classes], labels in rows.
    """
    mistakes = confusion - np.diag(np.diag(confusion))
    shares = np.sqrt(mistakes / max(1, mistakes.max()))
    np.fill_diagonal(shares, np.diag(confusion) / np.maximum(1, confusion.sum(axis=1)))
    rounded: list[list[float]] = shares.round(3).tolist()
    return rounded


def most_confused_classes(confusion: np.ndarray, limit: int = 20) -> list[int]:
    """Finds the classes of the most frequent mistakes, in ascending order.

    A table of all 256 that there may be would be megabytes that nobody reads.

    Args:
        confusion: int64 [classes, classes], labels in rows.
        limit: At most so many.
    """
    ranked = most_frequent_confusions(confusion, limit)
    classes = [label for pair in ranked for label in pair[:2]] + list(range(len(confusion)))
    return sorted(list(dict.fromkeys(classes))[:limit])


def most_frequent_confusions(confusion: np.ndarray, limit: int = 5) -> list[tuple[int, int, int]]:
    """Finds the mistakes that are made most often: (label, prediction, count), classes by index.

    Args:
        confusion: int64 [classes, classes], labels in rows.
        limit: At most so many.
    """
    mistakes = confusion - np.diag(np.diag(confusion))
    labels, predictions = np.nonzero(mistakes)
    counts = mistakes[labels, predictions]
    order = np.argsort(-counts, kind="stable")[:limit]
    columns = (labels[order], predictions[order], counts[order])
    return list(zip(*(column.tolist() for column in columns), strict=True))


def _label_powers(axis: "Axis") -> None:
    """Labels the powers of ten of a logarithmic axis, and no others, which would overlap."""
    axis.set_major_formatter(_power_of_ten)
    axis.set_minor_formatter("")


def _power_of_ten(value: float, _: float) -> str:
    exponent = round(math.log10(value))
    return f"{10**exponent:,}" if 0 <= exponent < 6 else f"10{_superscript(exponent)}"


def _superscript(number: int) -> str:
    return str(number).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))


def _roc_chart(roc: Roc) -> Markup:
    from matplotlib.figure import Figure

    with pages.chart_style():
        figure = Figure()
        axes = figure.subplots()
        # On a linear axis, the curve of a good classifier would be two sides of the frame.
        left = min((rate for rate in roc.fpr if rate > 0), default=1) / 2
        axes.plot(np.maximum(roc.fpr, left), roc.tpr, color=pages.BLUE)
        chance = np.geomspace(left, 1, 50)
        axes.plot(chance, chance, "k:", linewidth=1)
        axes.set(xscale="log", xlim=(left, 1), ylim=(0, 1.02))
        axes.set(xlabel="false positive rate (log)", ylabel="true positive rate")
        _label_powers(axes.xaxis)
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
        accuracy.plot([0, 1], [0, 1], "k:", linewidth=1)
        accuracy.set(ylabel="accuracy", xlim=(0, 1), ylim=(0, 1.02))
        count.bar(centres, [each.count for each in bins], widths, color=pages.VERMILLION)
        count.set(xlabel="confidence", ylabel="images", yscale="log", ylim=(0.5, None))
        _label_powers(count.yaxis)
        shown = ", ".join(f"{each.accuracy:.0%} at {each.confidence:.0%}" for each in bins)
        return pages.figure_svg(figure, f"Reliability diagram: accuracy by confidence: {shown}")
