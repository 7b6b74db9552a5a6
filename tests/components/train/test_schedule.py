import numpy as np
import pytest

from components.train.recipe import Recipe
from components.train.schedule import learning_rates, shuffled_order


def test_constant():
    assert learning_rates(Recipe(learning_rate=0.5), 3, epoch=4).tolist() == [0.5, 0.5, 0.5]


def test_triangle_rises_and_falls_in_straight_lines():
    recipe = Recipe(epochs=2, learning_rate=0.8, schedule="triangular", warmup=0.25)
    rates = [learning_rates(recipe, 4, epoch) for epoch in (0, 1)]
    # Eight steps, taken in their middle: two up to the peak at 2, six down to 0 at 8.
    expected = [0.2, 0.6, 0.8 * 5.5 / 6, 0.6, 0.8 * 3.5 / 6, 0.8 * 2.5 / 6, 0.2, 0.8 * 0.5 / 6]
    assert np.concatenate(rates) == pytest.approx(expected)


@pytest.mark.parametrize("warmup", [0, 1])
def test_triangle_without_one_of_its_sides(warmup):
    recipe = Recipe(epochs=1, learning_rate=1, schedule="triangular", warmup=warmup)
    expected = [0.75, 0.25] if warmup == 0 else [0.25, 0.75]
    assert learning_rates(recipe, 2, 0) == pytest.approx(expected)


def test_every_image_is_in_the_order_and_the_last_batch_is_full():
    order = shuffled_order(10, 4, seed=0, epoch=0)
    assert order.shape == (3, 4)
    assert sorted(order.ravel()[:10]) == list(range(10))
    assert order.ravel()[10:].tolist() == order.ravel()[:2].tolist()


def test_the_order_depends_on_seed_and_epoch_alone():
    orders = [shuffled_order(50, 50, *key) for key in ((0, 0), (0, 1), (1, 0), (0, 0))]
    assert (orders[0] == orders[3]).all()
    assert (orders[0] != orders[1]).any() and (orders[0] != orders[2]).any()
