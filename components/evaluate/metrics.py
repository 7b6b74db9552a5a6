"""Classification metrics in plain NumPy; a ratio whose denominator is zero counts as zero."""

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# 97.5 % quantile of the normal distribution, for two-sided 95 % intervals.
Z_95 = 1.959963984540054


class ClassScores(NamedTuple):
    """Precision, recall, F1 (float64 [classes]) and support (int64 [classes])."""

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray


class RocCurve(NamedTuple):
    """Points of a ROC curve from (0, 0) to (1, 1), float64 [points] each.

    At a point, all scores of at least its threshold are called positive.
    """

    fpr: np.ndarray
    tpr: np.ndarray
    thresholds: np.ndarray


@dataclass(frozen=True)
class CalibrationBin:
    """The images whose confidence is in (lower, upper], and how often they are right."""

    lower: float
    upper: float
    count: int
    confidence: float
    accuracy: float


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Counts label (row) against prediction (column).

    Args:
        labels: integers [n].
        predictions: integers [n].
        num_classes: Labels and predictions are below it.

    Returns:
        int64 [num_classes, num_classes].
    """
    cells = labels.astype(np.int64) * num_classes + predictions
    return np.bincount(cells, minlength=num_classes**2).reshape(num_classes, num_classes)


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """The 95 % score interval of a proportion (Wilson 1927, J. Am. Stat. Assoc. 22:209).

    Unlike the textbook interval it keeps its level near 0 and 1, where good models are.
    """
    share = successes / trials
    scale = 1 + Z_95**2 / trials
    centre = (share + Z_95**2 / (2 * trials)) / scale
    half = Z_95 / scale * math.sqrt(share * (1 - share) / trials + (Z_95 / (2 * trials)) ** 2)
    return max(0.0, centre - half), min(1.0, centre + half)


def cross_entropy(logits: np.ndarray, labels: np.ndarray) -> float:
    """Mean of ``-log softmax(logits)[label]``, in nats.

    From logits, because the probability of a confident mistake may round to zero.

    Args:
        logits: float [n, classes].
        labels: integers [n].
    """
    shifted = logits.astype(np.float64) - logits.max(axis=1, keepdims=True)
    log_of_sum = np.log(np.exp(shifted).sum(axis=1))
    return float(np.mean(log_of_sum - shifted[np.arange(len(labels)), labels]))


def class_scores(confusion: np.ndarray) -> ClassScores:
    """Precision, recall and F1 of each class, one against the rest.

    Args:
        confusion: int64 [classes, classes], labels in rows.
    """
    hits = np.diag(confusion).astype(np.float64)
    predicted, support = confusion.sum(axis=0), confusion.sum(axis=1)
    return ClassScores(
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, support),
        f1=_ratio(2 * hits, predicted + support),
        support=support,
    )


def roc_curve(scores: np.ndarray, positive: np.ndarray) -> RocCurve:
    """The ROC curve; equal scores make one point, as no threshold tells them apart.

    Args:
        scores: float [n], higher is more positive.
        positive: bool [n], with at least one of each kind.
    """
    order = np.argsort(-scores, kind="stable")
    scores = scores[order].astype(np.float64)
    last_of_equals = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)
    true_positives = np.cumsum(positive[order])[last_of_equals]
    false_positives = last_of_equals + 1 - true_positives
    return RocCurve(
        fpr=np.append(0.0, false_positives / false_positives[-1]),
        tpr=np.append(0.0, true_positives / true_positives[-1]),
        thresholds=np.append(np.nextafter(scores[0], np.inf), scores[last_of_equals]),
    )


def micro_average_roc(probabilities: np.ndarray, labels: np.ndarray) -> RocCurve:
    """The ROC curve of all one-against-the-rest decisions together.

    Args:
        probabilities: float [n, classes].
        labels: integers [n].
    """
    positive = labels[:, np.newaxis] == np.arange(probabilities.shape[1])
    return roc_curve(probabilities.ravel(), positive.ravel())


def area_under(curve: RocCurve) -> float:
    """Area under a ROC curve by the trapezoidal rule, which gives ties one half."""
    return float(np.trapezoid(curve.tpr, curve.fpr))


def class_areas(probabilities: np.ndarray, labels: np.ndarray) -> list[float | None]:
    """Area under the ROC curve of each class against the rest.

    Args:
        probabilities: float [n, classes].
        labels: integers [n].

    Returns:
        One value a class; None where the labels have only that class or none of it.
    """
    positives = [labels == index for index in range(probabilities.shape[1])]
    return [
        area_under(roc_curve(scores, positive)) if 0 < positive.sum() < len(labels) else None
        for scores, positive in zip(probabilities.T, positives, strict=True)
    ]


def thin(curve: RocCurve, points: int = 100) -> RocCurve:
    """Keeps at most so many points of a curve, the ends among them.

    They are spread evenly over the square roots of false positive and false negative rate, so
    that the corner in which good classifiers live keeps its shape.
    """
    position = np.sqrt(curve.fpr) + 1 - np.sqrt(1 - curve.tpr)
    kept = np.unique(np.searchsorted(position, np.linspace(0, position[-1], points)))
    return RocCurve(*(values[kept] for values in curve))


def calibration_bins(
    confidences: np.ndarray, correct: np.ndarray, bins: int = 15
) -> list[CalibrationBin]:
    """Sorts predictions into bins of equal width by their confidence.

    As Guo et al., On Calibration of Modern Neural Networks, ICML 2017, also in their number.

    Args:
        confidences: float [n], probability of the predicted class, in (0, 1].
        correct: bool [n].
        bins: How many.

    Returns:
        The bins that hold a prediction.
    """
    bin_of = np.clip(np.ceil(confidences.astype(np.float64) * bins).astype(int) - 1, 0, bins - 1)
    return [
        CalibrationBin(
            lower=index / bins,
            upper=(index + 1) / bins,
            count=int((bin_of == index).sum()),
            confidence=float(confidences[bin_of == index].mean(dtype=np.float64)),
            accuracy=float(correct[bin_of == index].mean()),
        )
        for index in np.unique(bin_of).tolist()
    ]


def expected_calibration_error(bins: list[CalibrationBin]) -> float:
    """Mean gap of confidence and accuracy, weighted by count (Guo et al. 2017, equation 3)."""
    gaps = sum(each.count * abs(each.accuracy - each.confidence) for each in bins)
    return gaps / sum(each.count for each in bins)


def most_confident_mistakes(
    probabilities: np.ndarray, labels: np.ndarray, limit: int = 25
) -> np.ndarray:
    """Finds the wrong predictions of highest probability.

    Args:
        probabilities: float [n, classes].
        labels: integers [n].
        limit: At most so many.

    Returns:
        int64 [mistakes], indices of images, the most confident first.
    """
    wrong = np.flatnonzero(probabilities.argmax(axis=1) != labels)
    return wrong[np.argsort(-probabilities[wrong].max(axis=1), kind="stable")][:limit]


def _ratio(numerator: np.ndarray, denominator: np.ndarray) -> np.ndarray:
    return np.divide(numerator, denominator, out=np.zeros(len(numerator)), where=denominator > 0)
