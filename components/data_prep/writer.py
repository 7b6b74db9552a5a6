"""Writes a split of the prepared dataset block by block, so that its size does not matter."""

import math
import os
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from components.dataset import SplitInfo
from components.files import sha256_of_file


class SplitWriter:
    """Writes a split, and finds its digests and statistics on the way.

    Args:
        folder: The split's folder; files of an earlier try in it are replaced.
        count: Number of images that will be written.
        num_pixels: Pixels in an image.
        num_classes: Number of classes.
    """

    def __init__(self, folder: Path, count: int, num_pixels: int, num_classes: int) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._count = count
        self._num_pixels = num_pixels
        self._class_counts = np.zeros(num_classes, np.int64)
        self._pixel_sum = 0
        self._square_sum = 0
        self._images = _create_npy(folder / "images.npy", (count, num_pixels))
        self._labels = _create_npy(folder / "labels.npy", (count,))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        with self._images, self._labels:
            pass

    def write(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Appends images (uint8 [n, height*width]) and their labels (uint8 [n])."""
        self._images.write(images.data)
        self._labels.write(labels.data)
        self._pixel_sum += int(images.sum(dtype=np.uint64))
        # 255 * 255 is below 65,536.
        self._square_sum += int(np.multiply(images, images, dtype=np.uint16).sum(dtype=np.uint64))
        self._class_counts += np.bincount(labels, minlength=len(self._class_counts))

    def finish(self) -> SplitInfo:
        """Brings the files to the disk and returns what is known of the split."""
        pixels = self._count * self._num_pixels
        # Python's integers keep the sums exact.
        variance = (pixels * self._square_sum - self._pixel_sum**2) / pixels**2
        return SplitInfo(
            count=self._count,
            images_sha256=_finish(self._images),
            labels_sha256=_finish(self._labels),
            class_counts=tuple(self._class_counts.tolist()),
            pixel_mean=self._pixel_sum / pixels / 255,
            pixel_deviation=math.sqrt(variance) / 255,
        )


def _create_npy(path: Path, shape: tuple[int, ...]) -> BinaryIO:
    """Creates a uint8 `.npy` file that is whole when so many bytes have been written to it."""
    path.unlink(missing_ok=True)  # whoever has mapped the file of an earlier try keeps it
    file = path.open("xb")
    np.lib.format.write_array_header_1_0(
        file, {"descr": "|u1", "fortran_order": False, "shape": shape}
    )
    return file


def _finish(file: BinaryIO) -> str:
    """Brings a file to the disk and returns its SHA-256."""
    file.flush()
    os.fsync(file.fileno())
    return sha256_of_file(Path(file.name))
