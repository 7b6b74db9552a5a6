"""Which training images become the validation split."""

import logging

import numpy as np

from components.errors import UserError

log = logging.getLogger(__name__)

_LARGEST_SHARE = 5  # at most one image in five


def choose_validation(labels: np.ndarray, size: int, seed: int) -> np.ndarray:
    """Draws validation images, stratified by class: as many of each as its share asks for.

    Args:
        labels: Labels of all training images, uint8 [n].
        size: Number of images to draw; capped at a fifth of all.
        seed: The same seed draws the same images.

    Returns:
        bool [n], true for validation images.

    Raises:
        UserError: The size or the seed is out of range, or there are fewer than five images.
    """
    if size < 1:
        raise UserError(f"The validation size is {size}; take at least 1")
    if seed < 0:
        raise UserError(f"The seed is {seed}; take 0 or more")
    if len(labels) < _LARGEST_SHARE:
        raise UserError(
            f"There are {len(labels)} training images; add some, {_LARGEST_SHARE} are the least"
        )
    capped = min(size, len(labels) // _LARGEST_SHARE)
    if capped < size:
        log.info("validation size %d capped at %d, a fifth of the training images", size, capped)
    rng = np.random.Generator(np.random.PCG64(seed))
    chosen = np.zeros(len(labels), bool)
    for label, quota in enumerate(apportion(np.bincount(labels), capped)):
        members = np.flatnonzero(labels == label)
        chosen[rng.choice(members, quota, replace=False)] = True
    return chosen


def apportion(counts: np.ndarray, size: int) -> np.ndarray:
    """Splits `size` over classes in proportion to their counts, by largest remainders.

    Of equal remainders the lower class comes first. A class of a single image gives it only
    when nothing else is left, because training needs it more.

    Args:
        counts: Images of each class, int [k].
        size: What the result sums up to; at most the sum of the counts.

    Returns:
        int64 [k], none above its count.
    """
    quotas, remainders = np.divmod(counts * size, counts.sum())
    by_need = np.lexsort((-remainders, counts < 2))
    quotas[by_need[: size - quotas.sum()]] += 1
    return quotas
