"""The page about the data: digits, shapes, class counts, what was checked."""

import math
from pathlib import Path

import numpy as np

from components import pages
from components.data_prep.sources import Source
from components.dataset import PreparedDataset

_NUM_SAMPLES = 25
_MAX_SIDE = 56  # of a picture, in pixels; keeps a page of 256 classes below 1.5 MB


class Gallery:
    """Collects the first training images and the mean image of each class from a stream.

    Args:
        image_shape: Height and width of the images. Large ones are shown thinned out.
        num_classes: Number of classes.
    """

    def __init__(self, image_shape: tuple[int, int], num_classes: int) -> None:
        self._image_shape = image_shape
        self._step = math.ceil(max(image_shape) / _MAX_SIDE)
        height, width = (math.ceil(side / self._step) for side in image_shape)
        self._sums = np.zeros((num_classes, height, width), np.int64)
        self._counts = np.zeros(num_classes, np.int64)
        self.samples: list[tuple[np.ndarray, int]] = []

    def add(self, images: np.ndarray, labels: np.ndarray) -> None:
        """Takes in images (uint8 [n, height*width]) and their labels (uint8 [n])."""
        thinned = images.reshape(-1, *self._image_shape)[:, :: self._step, :: self._step]
        for label in np.unique(labels):
            members = thinned[labels == label]
            self._sums[label] += members.sum(axis=0, dtype=np.int64)
            self._counts[label] += len(members)
        missing = _NUM_SAMPLES - len(self.samples)
        self.samples += zip(thinned[:missing].copy(), labels[:missing].tolist(), strict=True)

    def mean_images(self) -> dict[int, np.ndarray]:
        """Returns the mean image (uint8 [height, width]) of each class that has images."""
        return {
            label: (self._sums[label] / count).round().astype(np.uint8)
            for label, count in enumerate(self._counts.tolist())
            if count
        }


def write_page(path: Path, source: Source, dataset: PreparedDataset, gallery: Gallery) -> None:
    """Writes the page as one self-contained HTML file."""
    pages.render(
        "data.html",
        path,
        source=source,
        dataset=dataset,
        largest_share=max(max(info.class_counts) / info.count for info in dataset.splits.values()),
        gallery=gallery,
    )
