"""Arrays that are read block by block from files that nobody has to trust.

A header is only a claim: nothing is allocated for it beyond a block, no more is unpacked than it
promises and one byte, and the end of the file must be where it says.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np

from components.errors import UserError

_BLOCK_BYTES = 4 << 20
_MAX_PIXELS = 1 << 20  # a Dense network has no use for more, and one image must fit in memory


class Readable(Protocol):
    """What a stream needs of a file."""

    def read(self, size: int, /) -> bytes:
        """Returns `size` bytes; fewer only at the end."""


@dataclass(frozen=True)
class ArrayStream:
    """An array whose header has been read, and whose values come in blocks.

    Attributes:
        name: The file, for messages.
        shape: What the header says; no size is zero.
        dtype: What the header says.
        body: The file, right behind the header.
    """

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    body: Readable

    def __post_init__(self) -> None:
        if any(size < 1 for size in self.shape):
            raise UserError(f"{self.name} is empty: its shape is {self.shape}; add data to it")
        if math.prod(self.shape[1:]) > _MAX_PIXELS:
            raise UserError(
                f"{self.name} claims images of {self.shape[1:]} pixels, and at most {_MAX_PIXELS} "
                "pixels are taken; check the file or scale the images down"
            )

    def blocks(self) -> Iterator[np.ndarray]:
        """Yields consecutive blocks of rows, at most 4 MiB each unless a row is longer.

        Raises:
            UserError: The file ends early, or goes on after the last row.
        """
        row_bytes = math.prod(self.shape[1:]) * self.dtype.itemsize
        rows = max(1, _BLOCK_BYTES // row_bytes)
        for start in range(0, self.shape[0], rows):
            size = min(rows, self.shape[0] - start)
            data = self.body.read(size * row_bytes)
            if len(data) < size * row_bytes:
                raise UserError(
                    f"{self.name} ends early: its header promises the shape {self.shape}; "
                    "get the file again"
                )
            yield np.frombuffer(data, self.dtype).reshape(size, *self.shape[1:])
        if self.body.read(1):
            raise UserError(
                f"{self.name} goes on after the shape {self.shape} that its header promises; "
                "get the file again"
            )


@dataclass(frozen=True)
class Batch:
    """Images and their labels; neither is read before it is asked for.

    Attributes:
        name: The file or files, for messages.
        open_images: Opens a stream of uint8 [n, height, width].
        open_labels: Opens a stream of integers [n].
    """

    name: str
    open_images: Callable[[], AbstractContextManager[ArrayStream]]
    open_labels: Callable[[], AbstractContextManager[ArrayStream]]

    @cached_property
    def labels(self) -> np.ndarray:
        """All labels, uint8 [n].

        Raises:
            UserError: The file is damaged, or a label is not in 0..255.
        """
        with self.open_labels() as stream:
            return np.concatenate([_as_labels(stream.name, block) for block in stream.blocks()])

    def blocks(self) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """Yields flattened images (uint8 [m, height*width]) with their labels (uint8 [m])."""
        start = 0
        with self.open_images() as stream:
            for block in stream.blocks():
                stop = start + len(block)
                yield block.reshape(len(block), -1), self.labels[start:stop]
                start = stop


def _as_labels(name: str, values: np.ndarray) -> np.ndarray:
    lowest, highest = values.min(), values.max()
    if lowest < 0 or highest > 255:
        wrong = lowest if lowest < 0 else highest
        raise UserError(f"{name} holds the label {wrong}; number the classes from 0 to at most 255")
    return values.astype(np.uint8)
