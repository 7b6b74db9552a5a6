import math
from fractions import Fraction

import numpy as np
import pytest

from components.evaluate.comparison import (
    difference_interval,
    mcnemar,
    most_confident_disagreements,
)


def exact_tail(k, n):
    """P(X >= k) for n tosses of a coin, in whole numbers."""
    return float(Fraction(sum(math.comb(n, i) for i in range(k, n + 1)), 2**n))


@pytest.mark.parametrize(
    ("b", "c"), [(0, 0), (1, 0), (0, 1), (7, 1), (1, 7), (5, 5), (20, 31), (900, 1010), (60, 0)]
)
def test_mcnemar_against_whole_numbers(b, c):
    result = mcnemar(b, c)
    assert result.p_one_sided == pytest.approx(exact_tail(b, b + c), rel=1e-9)
    two_sided = min(1, 2 * exact_tail(max(b, c), b + c))
    assert result.p_two_sided == pytest.approx(two_sided, rel=1e-9)


def test_mcnemar_as_published():
    # Fagerland, Lydersen and Laake 2013, BMC Med. Res. Methodol. 13:91: 7 against 1, p = 0.070
    assert mcnemar(7, 1).p_two_sided == pytest.approx(0.0703, abs=5e-5)


def test_one_sided_asks_whether_the_second_is_worse():
    assert mcnemar(b=15, c=3).p_one_sided < 0.05 < mcnemar(b=3, c=15).p_one_sided


def test_mcnemar_of_a_million_disagreements_is_the_normal_limit():
    b, c = 501_000, 499_000
    z = (b - 0.5 - 500_000) / math.sqrt(250_000)
    assert mcnemar(b, c).p_one_sided == pytest.approx(math.erfc(z / math.sqrt(2)) / 2, rel=1e-3)


def test_mcnemar_of_equally_many_never_exceeds_one():
    assert mcnemar(123_456, 123_456).p_two_sided == 1


def test_difference_interval_by_hand():
    # (1 + 1)/23 - (7 + 1)/23 = -6/23, variance (10/23 - (6/23)^2)/23
    low, high = difference_interval(b=7, c=1, images=21)
    half = 1.959964 * math.sqrt((10 / 23 - 36 / 529) / 23)
    assert (low, high) == (pytest.approx(-6 / 23 - half), pytest.approx(-6 / 23 + half))


def test_difference_interval_of_a_large_sample_is_that_of_the_textbook():
    # Approval of the British prime minister, Agresti, Categorical Data Analysis, section 10.1
    low, high = difference_interval(b=86, c=150, images=1600)
    assert (low, high) == (pytest.approx(0.021, abs=1e-3), pytest.approx(0.059, abs=1e-3))


@pytest.mark.parametrize("shares", [(0.02, 0.03), (0.005, 0.005), (0.1, 0.02)])
def test_difference_interval_holds_the_truth_in_95_of_100_samples(shares):
    rng = np.random.default_rng(1)
    draws = rng.multinomial(500, [*shares, 1 - sum(shares)], size=4000)
    intervals = [difference_interval(b, c, 500) for b, c, _ in draws.tolist()]
    hits = [low <= shares[1] - shares[0] <= high for low, high in intervals]
    assert 0.94 < np.mean(hits) <= 0.995


def test_difference_interval_stays_within_its_range():
    assert difference_interval(b=3, c=0, images=3)[0] == -1


def test_disagreements_of_highest_joint_confidence_come_first():
    first = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8], [0.9, 0.1]])
    second = np.array([[0.4, 0.6], [0.7, 0.3], [0.7, 0.3], [0.1, 0.9]])
    assert most_confident_disagreements(first, second).tolist() == [3, 0, 2]
    assert most_confident_disagreements(first, second, limit=1).tolist() == [3]
