import math

import keras
import numpy as np
import pytest
import tensorflow as tf

from components.train.model import DivideBy255, build_model, build_network
from components.train.recipe import Recipe

ALL_PIXELS = np.arange(256, dtype=np.uint8)


@pytest.fixture(scope="module")
def divide():
    layer = DivideBy255()
    layer.build((None, 256))
    return layer


@pytest.mark.parametrize("way", ["eager", "graph", "xla"])
def test_the_first_layer_divides_to_the_last_bit(divide, way):
    tutorial = ALL_PIXELS.reshape(1, 256).astype("float32") / 255
    compiled = {
        "eager": divide,
        "graph": tf.function(divide.call),
        "xla": tf.function(divide.call, jit_compile=True),
    }[way]
    assert np.array_equal(compiled(tf.constant(ALL_PIXELS.reshape(1, 256))), tutorial)


def test_the_network_of_the_tutorial():
    model = build_model(Recipe(), (28, 28), 10)
    assert model.input_shape == (None, 784) and model.output_shape == (None, 10)
    assert sum(math.prod(each.shape) for each in model.trainable_variables) == 203_530


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_evaluation_counts_every_image(digits, monkeypatch, smoothing):
    recipe = Recipe(hidden_units=(4,), label_smoothing=smoothing)
    network = build_network(recipe, (28, 28), 10, seed=0)
    monkeypatch.setattr("components.train.model._BLOCK", 64)  # 300 images: the last has 44
    loss, accuracy = network.evaluate(digits.images, digits.labels)

    logits = np.asarray(network.model(digits.images), np.float64)
    target = (1 - smoothing) * np.eye(10)[digits.labels] + smoothing / 10
    log_probabilities = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    assert loss == pytest.approx(-(target * log_probabilities).sum(axis=1).mean(), rel=1e-5)
    assert accuracy == (logits.argmax(axis=1) == digits.labels).mean()


def test_the_seed_decides_the_initial_weights():
    recipe = Recipe(hidden_units=(4,))
    kernels = [build_network(recipe, (2, 2), 3, seed).model.get_weights()[1] for seed in (0, 0, 1)]
    assert np.array_equal(kernels[0], kernels[1])
    assert not np.array_equal(kernels[0], kernels[2])


def test_mixed_precision_keeps_pixels_weights_and_logits_in_float32():
    recipe = Recipe(hidden_units=(4, 4), batch_normalization=True, dtype="mixed_bfloat16")
    model = build_model(recipe, (2, 2), 3)
    assert {each.dtype for each in model.weights} == {"float32"}
    assert model(np.zeros((1, 4), np.uint8)).dtype == tf.float32
    assert keras.backend.standardize_dtype(model.get_layer("hidden_1").compute_dtype) == "bfloat16"
