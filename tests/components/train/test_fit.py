import numpy as np
import pytest

from components.errors import UserError
from components.progress import parse
from components.train.feed import Feed
from components.train.fit import fit
from components.train.loop_tensorflow import compile_steps
from components.train.model import build_network
from components.train.recipe import Recipe
from components.train.schedule import shuffled_order

SMALL = Recipe(hidden_units=(16,), epochs=2, batch_size=64, learning_rate=0.01)
DEFORMING = Recipe(
    hidden_units=(16,),
    batch_normalization=True,
    epochs=2,
    batch_size=64,
    ema_momentum=0.9,
    elastic_alpha=37,
    rotation=10,
)


def trained(recipe, digits, seed=0, **feed):
    network = build_network(recipe, (28, 28), 10, seed)
    history = fit(network, recipe, Feed(digits, **feed), digits, seed)
    return [np.asarray(variable) for variable in network.variables], history


def same(some, others):
    return all(np.array_equal(one, other) for one, other in zip(some, others, strict=True))


def adam_by_hand(images, labels, order, rates):
    """The tutorial's mathematics in float64: relu, softmax, cross-entropy, Adam."""
    weights = [
        np.asarray(each, np.float64)
        for each in build_network(SMALL, (28, 28), 10, 0).model.trainable_variables
    ]
    first, second = ([np.zeros_like(each) for each in weights] for _ in range(2))
    for step, (rows, rate) in enumerate(zip(order, rates, strict=True), start=1):
        x, target = images[rows].astype(np.float32) / np.float32(255), np.eye(10)[labels[rows]]
        hidden = np.maximum(x @ weights[0] + weights[1], 0)
        exponentials = np.exp(hidden @ weights[2] + weights[3])
        error = (exponentials / exponentials.sum(axis=1, keepdims=True) - target) / len(rows)
        back = (error @ weights[2].T) * (hidden > 0)
        gradients = [x.T @ back, back.sum(axis=0), hidden.T @ error, error.sum(axis=0)]
        for i, gradient in enumerate(gradients):
            first[i] = 0.9 * first[i] + 0.1 * gradient
            second[i] = 0.999 * second[i] + 0.001 * gradient**2
            correction = np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
            weights[i] -= rate * correction * first[i] / (np.sqrt(second[i]) + 1e-7)
    return weights


@pytest.mark.parametrize("jit_compile", [False, True])
def test_the_loop_does_what_adam_does_by_hand(digits, jit_compile):
    network = build_network(SMALL, (28, 28), 10, 0)
    order = shuffled_order(300, 64, 0, 0)
    rates = np.linspace(0.001, 0.002, len(order), dtype=np.float32)
    compile_steps(network, jit_compile)(digits.images, digits.labels, order, rates)
    expected = adam_by_hand(digits.images, digits.labels, order, rates)
    for variable, array in zip(network.model.trainable_variables, expected, strict=True):
        assert np.asarray(variable) == pytest.approx(array, abs=2e-5)


@pytest.mark.parametrize("recipe", [SMALL, DEFORMING])
def test_the_same_seed_gives_the_same_bits_resident_or_streamed(digits, recipe):
    once, _ = trained(recipe, digits)
    assert same(once, trained(recipe, digits)[0])
    assert same(once, trained(recipe, digits, resident_bytes=2 * 64 * 784)[0])
    assert not same(once, trained(recipe, digits, seed=1)[0])


def test_it_learns_and_tells_of_every_epoch(digits, capsys):
    _, history = trained(SMALL, digits)
    assert history[1]["loss"] < history[0]["loss"] and history[1]["val_accuracy"] > 0.5
    assert [entry["epoch"] for entry in history] == [1, 2]
    steps = [parse(line) for line in capsys.readouterr().out.splitlines()]
    assert [(step.done, step.total) for step in steps] == [(1, 2), (2, 2)]


def test_averaged_weights_lag_behind(digits):
    """Two epochs of one step: the average starts at the first step's weights."""
    kernels = {}
    for epochs in (1, 2):
        recipe = Recipe(hidden_units=(4,), epochs=epochs, batch_size=300, ema_momentum=0.75)
        network = build_network(recipe, (28, 28), 10, 0)
        fit(network, recipe, Feed(digits), digits, 0)
        kernels[epochs] = np.asarray(network.model.trainable_variables[0])
    network.optimizer.finalize_variable_values(network.model.trainable_variables)
    averaged = np.asarray(network.model.trainable_variables[0])
    assert averaged == pytest.approx(0.75 * kernels[1] + 0.25 * kernels[2], abs=1e-6)


def test_a_loss_that_is_not_a_number_stops_training_with_a_hint(digits):
    network = build_network(SMALL, (28, 28), 10, 0)
    kernel = network.model.trainable_variables[0]
    kernel.assign(np.full(kernel.shape, np.nan))
    with pytest.raises(UserError, match=r"epoch 1 at a learning rate of 0\.01"):
        fit(network, SMALL, Feed(digits), digits, 0)
