import itertools
import math
from fractions import Fraction

import numpy as np
import pytest

from components.evaluate import metrics


def test_confusion_matrix_has_labels_in_rows():
    labels = np.array([0, 0, 1, 2, 2, 2], np.uint8)
    predictions = np.array([0, 2, 1, 2, 2, 0])
    expected = [[1, 0, 1], [0, 1, 0], [1, 0, 2]]
    assert metrics.confusion_matrix(labels, predictions, 3).tolist() == expected


def test_confusion_matrix_of_more_cells_than_uint8_holds():
    confusion = metrics.confusion_matrix(np.array([199], np.uint8), np.array([198]), 200)
    assert confusion.shape == (200, 200)
    assert confusion[199, 198] == confusion.sum() == 1


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [  # Newcombe 1998, Stat. Med. 17:857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_interval_as_published(successes, trials, low, high):
    assert metrics.wilson_interval(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_wilson_interval_ends_are_where_the_score_test_rejects():
    for limit in metrics.wilson_interval(9766, 10000):
        z = (0.9766 - limit) / math.sqrt(limit * (1 - limit) / 10000)
        assert abs(z) == pytest.approx(1.959964, abs=1e-6)


def test_wilson_interval_stays_within_0_and_1():
    assert metrics.wilson_interval(20, 20) == (pytest.approx(0.8389, abs=5e-5), 1.0)


def test_cross_entropy_by_hand():
    logits = np.array([[math.log(3), 0.0], [0.0, 0.0]], np.float32)  # 3/4 and 1/2
    expected = (math.log(4 / 3) + math.log(2)) / 2
    assert metrics.cross_entropy(logits, np.array([0, 1])) == pytest.approx(expected, rel=1e-6)


def test_cross_entropy_of_a_mistake_too_confident_for_its_probability():
    logits = np.array([[0.0, 500.0]], np.float32)
    assert metrics.cross_entropy(logits, np.array([0])) == pytest.approx(500)


def test_class_scores_by_hand():
    scores = metrics.class_scores(np.array([[3, 1, 0], [2, 4, 0], [0, 1, 0]]))
    assert scores.precision.tolist() == [3 / 5, 4 / 6, 0]  # class 2 is never predicted
    assert scores.recall.tolist() == [3 / 4, 4 / 6, 0]
    assert scores.f1.tolist() == [pytest.approx(2 / 3), pytest.approx(2 / 3), 0]
    assert scores.support.tolist() == [4, 6, 1]


def test_class_scores_of_a_class_without_images():
    scores = metrics.class_scores(np.array([[1, 1], [0, 0]]))
    assert scores.recall.tolist() == [0.5, 0]
    assert scores.precision.tolist() == [1, 0]


def test_roc_curve_by_hand_with_a_tie():
    curve = metrics.roc_curve(np.array([0.9, 0.8, 0.5, 0.5, 0.1]), np.array([1, 0, 1, 0, 1]) == 1)
    assert curve.fpr.tolist() == [0, 0, 0.5, 1, 1]
    assert curve.tpr.tolist() == [
        0,
        pytest.approx(1 / 3),
        pytest.approx(1 / 3),
        pytest.approx(2 / 3),
        1,
    ]
    assert curve.thresholds[1:].tolist() == [0.9, 0.8, 0.5, 0.1]
    assert 0.9 < curve.thresholds[0] < math.inf


def share_of_pairs_in_order(scores, positive):
    """Area under the ROC curve by its meaning: the share of pairs in the right order."""
    pairs = list(itertools.product(scores[positive].tolist(), scores[~positive].tolist()))
    return sum(Fraction(2 * (p > n) + (p == n), 2) for p, n in pairs) / len(pairs)


@pytest.mark.parametrize("seed", range(5))
def test_area_is_the_share_of_pairs_in_order(seed):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 8, 60) / 8  # many ties
    positive = rng.random(60) < 0.2 + 0.6 * scores
    area = metrics.area_under(metrics.roc_curve(scores, positive))
    assert area == pytest.approx(float(share_of_pairs_in_order(scores, positive)))


def test_micro_average_takes_every_class_of_every_image_as_one_decision():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.3, 0.4]])
    curve = metrics.micro_average_roc(probabilities, np.array([0, 1]))
    decisions = np.array([1, 0, 0, 0, 1, 0]) == 1
    expected = share_of_pairs_in_order(probabilities.ravel(), decisions)
    assert metrics.area_under(curve) == pytest.approx(float(expected))


def test_class_without_images_has_no_area():
    probabilities = np.array([[0.7, 0.2, 0.1], [0.3, 0.6, 0.1], [0.6, 0.3, 0.1]])
    assert metrics.class_areas(probabilities, np.array([0, 1, 0])) == [1, 1, None]
    assert metrics.class_areas(probabilities, np.array([0, 0, 0])) == [None, None, None]


def test_thinned_curve_keeps_ends_and_area():
    rng = np.random.default_rng(0)
    positive = rng.random(20000) < 0.1
    curve = metrics.roc_curve(rng.normal(size=20000) + 4 * positive, positive)
    thinned = metrics.thin(curve)
    assert len(thinned.fpr) <= 100
    assert (thinned.fpr[0], thinned.tpr[0], thinned.fpr[-1], thinned.tpr[-1]) == (0, 0, 1, 1)
    assert metrics.area_under(thinned) == pytest.approx(metrics.area_under(curve), abs=1e-4)
    assert set(zip(thinned.fpr, thinned.thresholds, strict=True)) <= set(
        zip(curve.fpr, curve.thresholds, strict=True)
    )


def test_short_curve_is_kept_as_it_is():
    curve = metrics.roc_curve(np.array([0.9, 0.1]), np.array([True, False]))
    assert metrics.thin(curve).fpr.tolist() == [0, 0, 1]


def test_calibration_by_hand():
    confidences = np.array([0.95, 0.85, 0.55, 0.51], np.float32)
    correct = np.array([True, False, True, False])
    bins = metrics.calibration_bins(confidences, correct, bins=5)  # (.4, .6] and (.8, 1]
    assert [(each.lower, each.upper) for each in bins] == [(0.4, 0.6), (0.8, 1.0)]
    assert [(each.count, each.accuracy) for each in bins] == [(2, 0.5), (2, 0.5)]
    assert [each.confidence for each in bins] == [pytest.approx(0.53), pytest.approx(0.9)]
    expected = (2 * abs(0.5 - 0.53) + 2 * abs(0.5 - 0.90)) / 4
    assert metrics.expected_calibration_error(bins) == pytest.approx(expected)


def test_a_confidence_on_a_bound_belongs_to_the_bin_below():
    bins = metrics.calibration_bins(np.array([0.25, 0.5, 1.0]), np.array([True] * 3), bins=4)
    assert [each.upper for each in bins] == [0.25, 0.5, 1]


def test_most_confident_mistakes_come_first():
    probabilities = np.array([[0.6, 0.4], [0.1, 0.9], [0.8, 0.2], [0.3, 0.7], [0.1, 0.9]])
    labels = np.array([1, 0, 1, 1, 0])  # wrong: 0, 1, 2, 4
    assert metrics.most_confident_mistakes(probabilities, labels).tolist() == [1, 4, 2, 0]
    assert metrics.most_confident_mistakes(probabilities, labels, limit=2).tolist() == [1, 4]
