"""Exported models, read and computed with NumPy alone: no TensorFlow, no code from a file."""

import hashlib
import itertools
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from components.errors import UserError
from components.files import sha256_of_file
from components.storage import check_name

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
    try:
        document = (path / MANIFEST_NAME).read_bytes()
    except OSError as error:
        raise UserError(
            f"{path} is not a model: {MANIFEST_NAME} can't be read ({error.strerror}); "
            "name the folder that training wrote"
        ) from error
    manifest, sizes = _parse_manifest(document, path)
    _verify_files(path, manifest["files"])
    try:
        kernels, biases = _read_weights(path / WEIGHTS_NAME, sizes)
    except (OSError, LookupError, AttributeError, TypeError, ValueError, RuntimeError) as error:
        raise _damaged(path, f"{WEIGHTS_NAME} has no such weights ({error})") from error
    return DenseModel(kernels, biases, manifest, hashlib.sha256(document).hexdigest())


def _parse_manifest(document: bytes, path: Path) -> tuple[dict[str, Any], list[int]]:
    """Returns the content of model.json, and what it says of the layers: [inputs, units...]."""
    try:
        manifest = json.loads(document)
        if manifest.get("format") != FORMAT:
            raise UserError(
                f"{path / MANIFEST_NAME} is not of format {FORMAT}; "
                "train the model again with this version"
            )
        if manifest["activation"] != "relu" or not manifest["files"].get(WEIGHTS_NAME):
            raise ValueError(f"it must have the activation 'relu' and list {WEIGHTS_NAME}")
        if not all(isinstance(name, str) for name in manifest["class_names"]):
            raise TypeError("class_names are not all text")
        height, width = manifest["image_shape"]
        sizes = [height * width, *manifest["hidden_units"], len(manifest["class_names"])]
    except (ValueError, LookupError, TypeError, AttributeError) as error:
        raise _damaged(path, f"{MANIFEST_NAME} lacks or garbles a part ({error})") from error
    return manifest, sizes


def _verify_files(path: Path, files: Mapping[str, str]) -> None:
    for name, digest in files.items():
        file = path / check_name(name)  # a manifest must not make us read elsewhere
        if not file.is_file() or sha256_of_file(file) != digest:
            raise _damaged(
                path, f"{name} is missing or does not have the SHA-256 in {MANIFEST_NAME}"
            )


def _read_weights(
    file: Path, sizes: list[int]
) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    kernels, biases = [], []
    with h5py.File(file, "r") as weights:
        for index, shape in enumerate(itertools.pairwise(sizes)):
            variables = weights["layers"][f"dense_{index}" if index else "dense"]["vars"]
            kernels.append(_read_array(variables["0"], shape))
            biases.append(_read_array(variables["1"], shape[1:]))
    return tuple(kernels), tuple(biases)


def _read_array(dataset: h5py.Dataset, shape: tuple[int, ...]) -> np.ndarray:
    if dataset.shape != shape or dataset.dtype != np.float32:
        raise ValueError(f"{dataset.name} is {dataset.dtype} {dataset.shape}, not float32 {shape}")
    array: np.ndarray = dataset[...]
    if not np.isfinite(array).all():
        raise ValueError(f"{dataset.name} has NaN or infinite weights")
    return array


def _damaged(path: Path, what: str) -> UserError:
    return UserError(
        f"The model in {path} can't be used: {what}; fetch it again, or train it with --no-cache"
    )
