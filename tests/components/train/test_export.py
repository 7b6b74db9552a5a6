import keras
import numpy as np
import pytest
import tensorflow as tf

from components.dense_model import load_model
from components.train import export as export_module
from components.train.export import export, fold
from components.train.model import build_model
from components.train.recipe import Recipe

RECIPE = Recipe(hidden_units=(16, 8), batch_normalization=True, rotation=10)
MANIFEST = {"image_shape": [28, 28], "class_names": list("0123456789")}


@pytest.fixture(scope="module")
def model():
    """A network whose normalisations are far from doing nothing."""
    keras.utils.set_random_seed(0)
    network = build_model(RECIPE, (28, 28), 10)
    rng = np.random.default_rng(0)
    for layer in network.layers:
        if isinstance(layer, keras.layers.BatchNormalization):
            layer.set_weights([rng.uniform(0.5, 2, layer.gamma.shape) for _ in range(4)])
    return network


@pytest.fixture
def exported(model, digits, tmp_path):
    export(model, RECIPE, MANIFEST, digits.images[:50], tmp_path / "model")
    return tmp_path / "model"


def logits_by_formula(model, images):
    """Dense layers and normalisations written out, in float64."""
    x = images / 255.0
    for number in (1, 2):
        gamma, beta, mean, variance = model.get_layer(
            f"hidden_{number}_normalization"
        ).get_weights()
        x = x @ model.get_layer(f"hidden_{number}").get_weights()[0].astype(np.float64)
        x = np.maximum((x - mean) / np.sqrt(variance + 1e-3) * gamma + beta, 0)
    kernel, bias = model.get_layer("logits").get_weights()
    return x @ kernel + bias


def test_normalisation_folds_into_the_kernels(model, digits):
    kernels, biases = fold(model)
    assert [kernel.shape for kernel in kernels] == [(784, 16), (16, 8), (8, 10)]
    x = digits.images / 255.0
    for kernel, bias in zip(kernels[:-1], biases[:-1], strict=True):
        x = np.maximum(x @ kernel + bias, 0)
    expected = logits_by_formula(model, digits.images)
    assert x @ kernels[-1] + biases[-1] == pytest.approx(expected, abs=1e-4)
    assert np.asarray(model(digits.images)) == pytest.approx(expected, abs=1e-4)


def test_every_way_to_load_the_model_agrees(model, exported, digits):
    logits = logits_by_formula(model, digits.images)
    expected = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    assert load_model(exported).probabilities(digits.images) == pytest.approx(expected, abs=1e-5)

    serve = tf.saved_model.load(exported).signatures["serving_default"]
    served = serve(images=tf.constant(digits.images))["probabilities"]
    assert np.asarray(served) == pytest.approx(expected, abs=1e-5)

    layers = [keras.layers.Dense(units) for units in (16, 8, 10)]
    plain = keras.Sequential([keras.Input((784,)), *layers])
    plain.load_weights(exported / "model.weights.h5")
    assert np.array_equal(layers[1].kernel, load_model(exported).kernels[1])


def test_the_manifest_tells_what_the_network_is(exported):
    manifest = load_model(exported).manifest
    assert manifest["hidden_units"] == [16, 8]
    assert manifest["parameters"] == 784 * 16 + 16 + 16 * 8 + 8 + 8 * 10 + 10
    files = {
        path.relative_to(exported).as_posix() for path in exported.rglob("*") if path.is_file()
    }
    assert manifest["files"].keys() == files - {"model.json"}


def test_a_wrong_export_is_not_let_out(model, digits, tmp_path, monkeypatch):
    def wrong_fold(network):
        kernels, biases = fold(network)
        return [kernels[0] * 1.1, *kernels[1:]], biases

    monkeypatch.setattr(export_module, "fold", wrong_fold)
    with pytest.raises(RuntimeError, match="off"):
        export(model, RECIPE, MANIFEST, digits.images[:50], tmp_path / "model")
    assert not (tmp_path / "model").exists()


def test_an_interrupted_export_leaves_the_old_model_and_the_next_one_replaces_it(
    model, exported, digits, monkeypatch
):
    def fail(*_):
        raise KeyboardInterrupt

    before = load_model(exported).digest
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(export_module, "_move_into_place", fail)
        export(model, RECIPE, MANIFEST, digits.images[:50], exported)
    assert load_model(exported).digest == before
    export(model, RECIPE, MANIFEST | {"seed": 5}, digits.images[:50], exported)
    assert load_model(exported).manifest["seed"] == 5
    assert list(exported.parent.iterdir()) == [exported]
