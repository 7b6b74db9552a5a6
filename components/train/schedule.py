"""What changes from step to step: the learning rate and the order of the images."""

import numpy as np

from components.train.recipe import Recipe


def learning_rates(recipe: Recipe, steps_per_epoch: int, epoch: int) -> np.ndarray:
    """Computes the learning rate of each step of an epoch.

    The triangular schedule is the one-cycle policy of Smith and Topin (2017, arXiv:1708.07120)
    without its momentum cycle. It is taken at the middle of each step, so no step is wasted on a
    rate of zero.

    Args:
        recipe: Gives peak, schedule, warm-up and number of epochs.
        steps_per_epoch: Optimizer steps in an epoch.
        epoch: Counted from 0.

    Returns:
        float32 [steps_per_epoch].
    """
    if recipe.schedule == "constant":
        return np.full(steps_per_epoch, recipe.learning_rate, np.float32)
    total = recipe.epochs * steps_per_epoch
    progress = (epoch * steps_per_epoch + np.arange(steps_per_epoch) + 0.5) / total
    shape = np.interp(progress, [0, recipe.warmup, 1], [0, 1, 0])
    return (recipe.learning_rate * shape).astype(np.float32)


def shuffled_order(count: int, batch_size: int, seed: int, epoch: int) -> np.ndarray:
    """Shuffles the images of an epoch into batches.

    It depends on its arguments alone, so a resumed training sees the same batches. The last batch
    is filled up with the first images of the same order: all batches have one size, and no image
    is left out.

    Returns:
        int32 [steps, batch_size], every number below count at least once.
    """
    permutation = np.random.default_rng((seed, epoch)).permutation(count).astype(np.int32)
    steps = -(-count // batch_size)
    return np.resize(permutation, (steps, batch_size))
