"""Training images on the device: all at once where they fit, else in large blocks."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np
from keras import ops

from components.dataset import Split

# More than this is streamed: 2.7 million MNIST images, and room beside it on any current GPU.
RESIDENT_BYTES = 2 << 30


class Feed:
    """Hands the compiled loop the images that it needs, in a given order.

    Streaming changes what is on the device at a time, not which images a step sees.
    """

    def __init__(self, split: Split, resident_bytes: int = RESIDENT_BYTES) -> None:
        """Args: the training images, and how many bytes of them may be on the device."""
        self._split = split
        self._resident_bytes = resident_bytes

    @property
    def count(self) -> int:
        """Number of images."""
        return len(self._split.labels)

    def blocks(self, order: np.ndarray) -> Iterator[tuple[Any, Any, np.ndarray]]:
        """Yields the images of an epoch.

        Args:
            order: int32 [steps, batch_size], indices into the split.

        Yields:
            uint8 images and labels on the device, and the order of the block's steps in terms of
            these.
        """
        if self._split.images.nbytes <= self._resident_bytes:
            yield *self._resident, order
            return
        steps = max(1, self._resident_bytes // (order.shape[1] * self._split.images.shape[1]))
        for start in range(0, len(order), steps):
            rows = order[start : start + steps]
            here = np.arange(rows.size, dtype=np.int32).reshape(rows.shape)
            yield *self._on_device(rows.reshape(-1)), here

    @cached_property
    def _resident(self) -> tuple[Any, Any]:
        return self._on_device(slice(None))

    def _on_device(self, rows: slice | np.ndarray) -> tuple[Any, Any]:
        images, labels = self._split.images[rows], self._split.labels[rows]
        return ops.convert_to_tensor(images), ops.convert_to_tensor(labels)
