"""The model folder: a plain Dense network, whatever it was trained with."""

import shutil
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from components import dense_model
from components.files import sha256_of_file, write_json
from components.train.model import build_model, build_plain_model
from components.train.recipe import Recipe

# Float32 sums of up to some thousand products in another order.
_TOLERANCE = 1e-4


def fold(model: keras.Model) -> tuple[list[np.ndarray], list[np.ndarray]]:
    """Takes the Dense layers out of a model, each with the normalisation that follows it.

    A batch normalisation at inference is linear, `gamma * (x - mean) / sqrt(variance + epsilon) +
    beta` (Ioffe and Szegedy 2015, arXiv:1502.03167), so it fits in the kernel and bias before it.

    Returns:
        Kernels, float32 [inputs, units], and biases, float32 [units].
    """
    kernels: list[np.ndarray] = []
    biases: list[np.ndarray] = []
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            kernels.append(np.asarray(layer.kernel))
            biases.append(np.asarray(layer.bias) if layer.use_bias else np.zeros(layer.units))
        elif isinstance(layer, keras.layers.BatchNormalization):
            kernels[-1], biases[-1] = _folded(kernels[-1], biases[-1], layer)
    as_float32 = [[array.astype(np.float32) for array in arrays] for arrays in (kernels, biases)]
    return as_float32[0], as_float32[1]


def _folded(
    kernel: np.ndarray, bias: np.ndarray, layer: keras.layers.BatchNormalization
) -> tuple[np.ndarray, np.ndarray]:
    gamma, beta, mean, variance = (array.astype(np.float64) for array in layer.get_weights())
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return kernel * scale, beta + (bias - mean) * scale


def export(
    model: keras.Model,
    recipe: Recipe,
    manifest: Mapping[str, Any],
    probe: np.ndarray,
    model_dir: Path,
) -> None:
    """Writes the model folder, and proves that its files compute what was trained.

    The folder gets its name when it is whole; what was there before is replaced.

    Args:
        model: As it was trained.
        recipe: What it was built from.
        manifest: For model.json: all but format, architecture and files.
        probe: uint8 [n, pixels], images on which the outputs are compared.
        model_dir: Where it goes.

    Raises:
        RuntimeError: The files' outputs differ from the trained network's.
    """
    partial = model_dir.with_name(f".{model_dir.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    kernels, biases = fold(model)
    plain = build_plain_model(kernels, biases)
    plain.save_weights(partial / dense_model.WEIGHTS_NAME)
    save_saved_model(kernels, biases, partial)  # TF Serving looks for it at the top
    write_json(
        partial / dense_model.MANIFEST_NAME,
        {
            "format": dense_model.FORMAT,
            **manifest,
            "hidden_units": list(recipe.hidden_units),
            "activation": "relu",
            "parameters": sum(array.size for array in (*kernels, *biases)),
            "files": _digests(partial),
        },
    )
    _prove_agreement(_trained_outputs(model, recipe, manifest, probe), plain, probe, partial)
    _move_into_place(partial, model_dir)


def save_saved_model(kernels: list[np.ndarray], biases: list[np.ndarray], path: Path) -> None:
    """Writes a SavedModel with the signature `serving_default`: images to probabilities.

    The input `images` is uint8 [n, pixels], the output `probabilities` float32 [n, classes].
    """
    import tensorflow as tf

    module = tf.Module()
    module.kernels = [tf.Variable(kernel) for kernel in kernels]
    module.biases = [tf.Variable(bias) for bias in biases]
    # A variable, because a division by a constant is compiled to a multiplication.
    module.divisor = tf.Variable(255.0)

    @tf.function(input_signature=[tf.TensorSpec([None, len(kernels[0])], tf.uint8, "images")])
    def serve(images: Any) -> dict[str, Any]:
        x = tf.cast(images, tf.float32) / module.divisor
        for kernel, bias in zip(module.kernels[:-1], module.biases[:-1], strict=True):
            x = tf.nn.relu(x @ kernel + bias)
        return {"probabilities": tf.nn.softmax(x @ module.kernels[-1] + module.biases[-1])}

    tf.saved_model.save(module, str(path), signatures=serve)


def _trained_outputs(
    model: keras.Model, recipe: Recipe, manifest: Mapping[str, Any], probe: np.ndarray
) -> np.ndarray:
    """Computes the trained network's logits, unfolded, with its products in float32."""
    num_classes = len(manifest["class_names"])
    twin = build_model(replace(recipe, dtype="float32"), manifest["image_shape"], num_classes)
    twin.set_weights(model.get_weights())
    return np.asarray(twin(probe, training=False))


def _prove_agreement(
    logits: np.ndarray, plain: keras.Model, probe: np.ndarray, folder: Path
) -> None:
    import tensorflow as tf

    expected = dense_model.softmax(logits)
    serve = tf.saved_model.load(str(folder)).signatures["serving_default"]
    outputs: dict[str, Callable[[], Any]] = {
        "Keras": lambda: dense_model.softmax(np.asarray(plain(probe / np.float32(255)))),
        "NumPy": lambda: dense_model.load_model(folder).probabilities(probe),
        "TensorFlow": lambda: serve(images=tf.constant(probe))["probabilities"],
    }
    for route, compute in outputs.items():
        difference = float(np.abs(np.asarray(compute()) - expected).max())
        if not difference <= _TOLERANCE:
            raise RuntimeError(f"{route} computes the exported model {difference:g} off")


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): sha256_of_file(path) for path in files}


def _move_into_place(partial: Path, model_dir: Path) -> None:
    # Without its manifest an old model is none, however far the removal gets.
    (model_dir / dense_model.MANIFEST_NAME).unlink(missing_ok=True)
    shutil.rmtree(model_dir, ignore_errors=True)
    partial.rename(model_dir)
