from fractions import Fraction

import numpy as np
import pytest

from components.data_prep.validation import apportion, choose_validation
from components.errors import UserError


def labels_of(*counts):
    labels = np.repeat(np.arange(len(counts), dtype=np.uint8), counts)
    return np.random.default_rng(1).permutation(labels)


@pytest.mark.parametrize(
    ("counts", "size", "quotas"),
    [
        ([50, 50], 10, [5, 5]),
        ([60, 30, 10], 10, [6, 3, 1]),
        # Exact shares 4.5, 3.6 and 0.9: the largest remainders are those of classes 2 and 1.
        ([50, 40, 10], 9, [4, 4, 1]),
        # 3.33 each: the lower class wins a tie.
        ([10, 10, 10], 10, [4, 3, 3]),
        # 0.2 each of the single images, 1.6 of the others: these give both that are missing.
        ([1, 8, 1], 2, [0, 2, 0]),
        ([0, 10, 0], 2, [0, 2, 0]),
        ([1, 1, 1, 1, 1], 1, [1, 0, 0, 0, 0]),
    ],
)
def test_apportion_by_hand(counts, size, quotas):
    assert apportion(np.array(counts), size).tolist() == quotas


def test_apportion_stays_within_one_of_the_exact_share():
    rng = np.random.default_rng(0)
    for _ in range(200):
        counts = rng.integers(2, 5000, rng.integers(2, 20))
        size = int(rng.integers(1, counts.sum() // 5 + 1))
        quotas = apportion(counts, size)
        assert quotas.sum() == size
        for count, quota in zip(counts.tolist(), quotas.tolist(), strict=True):
            assert abs(quota - Fraction(count * size, int(counts.sum()))) < 1


def test_chooses_the_exact_number_of_each_class():
    labels = labels_of(600, 300, 100)
    chosen = choose_validation(labels, 100, seed=0)
    assert np.bincount(labels[chosen]).tolist() == [60, 30, 10]


def test_a_seed_always_chooses_the_same_and_another_seed_others():
    labels = labels_of(500, 500)
    first = choose_validation(labels, 100, seed=7)
    np.testing.assert_array_equal(first, choose_validation(labels, 100, seed=7))
    assert (first != choose_validation(labels, 100, seed=8)).any()


def test_chooses_from_everywhere():
    labels = np.zeros(10000, np.uint8)
    chosen = choose_validation(labels, 1000, seed=0)
    # Hypergeometric: a fifth of the images holds 200 of the chosen, with a deviation of 12.
    assert (np.abs(chosen.reshape(5, 2000).sum(axis=1) - 200) < 60).all()


def test_never_more_than_a_fifth():
    assert choose_validation(labels_of(50, 53), 5000, seed=0).sum() == 20


@pytest.mark.parametrize(
    ("count", "size", "seed", "match"),
    [
        (100, 0, 0, "validation size is 0"),
        (100, -1, 0, "validation size is -1"),
        (100, 10, -1, "seed is -1"),
        (4, 1, 0, "4 training images"),
    ],
)
def test_out_of_range(count, size, seed, match):
    with pytest.raises(UserError, match=match):
        choose_validation(labels_of(count), size, seed)
