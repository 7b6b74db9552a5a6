"""The page about an evaluation."""

from pathlib import Path

import numpy as np
from markupsafe import Markup

from components import pages
from components.evaluate.evaluation import Evaluation, Roc
from components.evaluate.metrics import CalibrationBin


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
