"""Exported models, read and computed with NumPy alone: no TensorFlow, no code from a file."""

import hashlib
import itertools
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

import h5py
import numpy as np

from components.errors import UserError
from components.files import sha256_of_file

FORMAT = 1
MANIFEST_NAME = "model.json"
WEIGHTS_NAME = "model.weights.h5"

# Rows in flight: 13 MB for MNIST's 784 float32 pixels, whatever the number of images.
_BLOCK = 4096


@dataclass(frozen=True, eq=False)
class DenseModel:
    """A stack of dense layers: relu between them, logits at the end.

    Attributes:
        kernels: float32 [inputs, units] of each layer.
        biases: float32 [units] of each layer.
        manifest: The content of model.json.
        digest: SHA-256 of model.json, which holds those of all other files.
    """

    kernels: tuple[np.ndarray, ...]
    biases: tuple[np.ndarray, ...]
    manifest: Mapping[str, Any]
    digest: str

    @cached_property
    def class_names(self) -> tuple[str, ...]:
        """What the outputs mean, in their order."""
        return tuple(self.manifest["class_names"])

    @cached_property
    def image_shape(self) -> tuple[int, int]:
        """Height and width in pixels."""
        height, width = self.manifest["image_shape"]
        return height, width

    def logits(self, images: np.ndarray) -> np.ndarray:
        """Computes the outputs before softmax, block by block.

        Args:
            images: uint8 [n, height * width], in memory or memory-mapped.

        Returns:
            float32 [n, classes].
        """
        outputs = np.empty((len(images), len(self.class_names)), np.float32)
        for start in range(0, len(images), _BLOCK):
            block = slice(start, start + _BLOCK)
            outputs[block] = self._logits_of_block(images[block])
        return outputs

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Computes the probability of each class.

        Args:
            images: uint8 [n, height * width], in memory or memory-mapped.

        Returns:
            float32 [n, classes], rows add up to 1.
        """
        return softmax(self.logits(images))

    def _logits_of_block(self, images: np.ndarray) -> np.ndarray:
        x = images.astype(np.float32) / np.float32(255)
        for kernel, bias in zip(self.kernels[:-1], self.biases[:-1], strict=True):
            x = np.maximum(x @ kernel + bias, 0)
        return x @ self.kernels[-1] + self.biases[-1]


def softmax(logits: np.ndarray) -> np.ndarray:
    """Turns logits [n, classes] into probabilities of the same shape and dtype."""
    exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def load_model(path: Path) -> DenseModel:
    """Reads a model folder and verifies the SHA-256 of all its files.

    Args:
        path: A folder with model.json and the files that it lists.

    Raises:
        UserError: The folder is no whole model of a known format, a file is not the one that was
            written, or the weights do not fit the architecture.
    """
    document = _read_manifest(path)
    manifest = _parse_manifest(document, path)
    _verify_files(path, manifest)
    kernels, biases = _read_weights(path / WEIGHTS_NAME, _layer_sizes(path, manifest))
    return DenseModel(kernels, biases, manifest, hashlib.sha256(document).hexdigest())


def _read_manifest(path: Path) -> bytes:
    try:
        return (path / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} is not a model: {MANIFEST_NAME} can't be read ({error.strerror}); "
            "name the folder that training wrote"
        ) from error


def _parse_manifest(document: bytes, path: Path) -> dict[str, Any]:
    try:
        manifest = json.loads(document)
    except ValueError as error:
        raise _damaged(path, f"{MANIFEST_NAME} is not JSON ({error})") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise UserError(
            f"{path / MANIFEST_NAME} is not of format {FORMAT}; "
            "train the model again with this version"
        )
    if manifest.get("activation") != "relu":
        raise _damaged(path, f"activation {manifest.get('activation')!r} is not 'relu'")
    return manifest


def _layer_sizes(path: Path, manifest: Mapping[str, Any]) -> list[int]:
    """[inputs, units of each layer] as model.json gives them."""
    try:
        height, width = manifest["image_shape"]
        sizes = [height, width, *manifest["hidden_units"], len(manifest["class_names"])]
        names_are_text = all(isinstance(name, str) for name in manifest["class_names"])
    except (KeyError, TypeError, ValueError) as error:
        raise _damaged(path, f"{MANIFEST_NAME} lacks a part ({error})") from error
    if not names_are_text or not all(type(size) is int and size > 0 for size in sizes):
        raise _damaged(path, "image_shape, hidden_units or class_names has values of a wrong kind")
    return [height * width, *sizes[2:]]


def _verify_files(path: Path, manifest: Mapping[str, Any]) -> None:
    files = manifest.get("files")
    if not isinstance(files, dict) or WEIGHTS_NAME not in files:
        raise _damaged(path, f"{MANIFEST_NAME} does not list {WEIGHTS_NAME}")
    for name, digest in files.items():
        _verify_file(path, name, digest)


def _verify_file(path: Path, name: str, digest: object) -> None:
    # Only plain names below the folder: a manifest must not make us read elsewhere.
    parts = PurePosixPath(name).parts
    if name != "/".join(parts) or ".." in parts or "\\" in name or "\0" in name or not parts:
        raise _damaged(path, f"{MANIFEST_NAME} lists the impossible file name {name!r}")
    file = path / name
    if not file.is_file():
        raise _damaged(path, f"{name} is missing")
    if sha256_of_file(file) != digest:
        raise _damaged(path, f"{name} does not have the SHA-256 that {MANIFEST_NAME} gives")


def _read_weights(
    file: Path, sizes: list[int]
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    names = ["dense", *(f"dense_{i}" for i in range(1, len(sizes) - 1))]
    try:
        with h5py.File(file, "r") as weights:
            layers = [weights["layers"][name]["vars"] for name in names]
            kernels = _read_arrays(file, layers, "0", itertools.pairwise(sizes))
            biases = _read_arrays(file, layers, "1", ((size,) for size in sizes[1:]))
    except (OSError, LookupError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise _damaged(file.parent, f"{file.name} has no such weights ({error})") from error
    return kernels, biases


def _read_arrays(
    file: Path, layers: list[h5py.Group], key: str, shapes: Iterable[tuple[int, ...]]
) -> tuple[np.ndarray, ...]:
    arrays = []
    for layer, shape in zip(layers, shapes, strict=True):
        dataset = layer[key]
        if dataset.shape != shape or dataset.dtype != np.float32:
            raise _damaged(
                file.parent,
                f"{dataset.name} is {dataset.dtype} {dataset.shape}, not float32 {shape}",
            )
        arrays.append(dataset[...])
        if not np.isfinite(arrays[-1]).all():
            raise _damaged(file.parent, f"{dataset.name} has NaN or infinite weights")
    return tuple(arrays)


def _damaged(path: Path, what: str) -> UserError:
    return UserError(f"The model in {path} can't be used: {what}; fetch it or train it again")
