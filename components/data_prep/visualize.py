"""The data page: digits, shapes, class counts, what was checked, what has changed."""

import logging
import math
from dataclasses import asdict
from pathlib import Path

import numpy as np

from components import pages
from components.data_prep import drift
from components.data_prep.sources import MNIST
from components.dataset import PreparedDataset, Split
from components.files import write_json
from components.promote.model_store import ModelStore

log = logging.getLogger(__name__)

_SAMPLES = 25
_BLOCK = 8192  # images


def visualize(
    dataset: PreparedDataset,
    store: ModelStore | None,
    champion: int,
    drift_path: Path,
    page_path: Path,
) -> None:
    """Writes the page about a dataset, and what has changed since the champion's.

    Args:
        dataset: The dataset.
        store: The model store, if there is one.
        champion: The version that serves; 0 for none.
        drift_path: Where a `drift.Drift` goes, as JSON.
        page_path: Where the page goes, as HTML.

    Raises:
        UserError: If the dataset or the version is missing or damaged.
    """
    changes = drift.since_champion(dataset, store, champion)
    for warning in changes.warnings:
        log.warning("%s", warning)
    training = dataset.read("train")
    pages.render(
        "data.html",
        page_path,
        dataset=dataset,
        is_mnist=dataset.source == MNIST,
        largest_share=max(max(info.class_counts) / info.count for info in dataset.splits.values()),
        samples=first_images(training, dataset.image_shape),
        mean_images=mean_images(training, dataset.image_shape),
        changes=changes,
        share_bound=drift.SHARE_BOUND,
        standard_errors=drift.STANDARD_ERRORS,
        pixel_bound=drift.PIXEL_BOUND,
    )
    write_json(drift_path, asdict(changes))


def first_images(split: Split, image_shape: tuple[int, int]) -> list[tuple[np.ndarray, int]]:
    """Returns the first images of a split, uint8 [height, width] each, with their labels."""
    images = split.images[:_SAMPLES].reshape(-1, *image_shape)
    return list(zip(images, split.labels[:_SAMPLES].tolist(), strict=True))


def mean_images(split: Split, image_shape: tuple[int, int]) -> dict[int, np.ndarray]:
    """Averages the images of each class, in blocks.

    Args:
        split: Images and labels.
        image_shape: Height and width. Of larger images than a page shows, some pixels are taken.

    Returns:
        uint8 [height, width] by label, for each class that has images.
    """
    step = math.ceil(max(image_shape) / pages.LARGEST_SIDE)
    thinned = split.images.reshape(-1, *image_shape)[:, ::step, ::step]
    counts = np.bincount(split.labels)
    sums = np.zeros((len(counts), *thinned.shape[1:]), np.int64)
    for start in range(0, len(thinned), _BLOCK):
        images, labels = thinned[start : start + _BLOCK], split.labels[start : start + _BLOCK]
        for label in np.unique(labels):
            sums[label] += images[labels == label].sum(axis=0, dtype=np.int64)
    present = np.flatnonzero(counts).tolist()
    return {label: (sums[label] / counts[label]).round().astype(np.uint8) for label in present}
