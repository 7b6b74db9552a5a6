"""The prepared dataset on disk.

A folder with `train/`, `validation/` and `test/`, each with `images.npy` (uint8, [n, height*width])
and `labels.npy` (uint8, [n]), plus `dataset.json`. That file comes last: a folder without it is
not a dataset.
"""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from components.errors import UserError
from components.files import sha256_of_file, write_json
from components.storage import Entry

SPLIT_NAMES = ("train", "validation", "test")
MANIFEST = "dataset.json"
_FORMAT = 2


@dataclass(frozen=True)
class SplitInfo:
    """What is known of a split without reading it.

    Attributes:
        count: Number of images.
        images_sha256: SHA-256 of `images.npy`, hexadecimal.
        labels_sha256: SHA-256 of `labels.npy`, hexadecimal.
        class_counts: Number of images of each class.
        pixel_mean: Mean of all pixels, each divided by 255.
        pixel_deviation: Standard deviation of the same (of the population).
    """

    count: int
    images_sha256: str
    labels_sha256: str
    class_counts: tuple[int, ...]
    pixel_mean: float
    pixel_deviation: float


@dataclass(frozen=True)
class Split:
    """Images and labels of a split.

    Attributes:
        images: uint8 [n, height*width], memory-mapped, read-only.
        labels: uint8 [n], each below the number of classes.
    """

    images: np.ndarray
    labels: np.ndarray


@dataclass(frozen=True)
class PreparedDataset:
    """A dataset whose `dataset.json` has been read.

    Attributes:
        path: Its folder.
        source: URI of the raw files that it was made from.
        files: These files, sorted by name.
        fingerprint: Fingerprint of these files.
        image_shape: Height and width in pixels.
        class_names: One name for each label.
        splits: "train", "validation" and "test".
    """

    path: Path
    source: str
    files: tuple[Entry, ...]
    fingerprint: str
    image_shape: tuple[int, int]
    class_names: tuple[str, ...]
    splits: Mapping[str, SplitInfo]

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)

    @property
    def num_pixels(self) -> int:
        """Number of pixels in an image: what the network takes in."""
        return math.prod(self.image_shape)

    def read(self, split_name: str) -> Split:
        """Opens a split after verifying its digests, types and shapes.

        Raises:
            UserError: A file is missing, changed or not what `dataset.json` says.
        """
        info, folder = self.splits[split_name], self.path / split_name
        images_shape = (info.count, self.num_pixels)
        images = _open_array(folder / "images.npy", info.images_sha256, images_shape)
        labels = _open_array(folder / "labels.npy", info.labels_sha256, (info.count,))
        return Split(images, np.array(labels))

    def shapes(self) -> list[tuple[str, tuple[int, ...], tuple[int, ...]]]:
        """Returns the four raw arrays' names, and their shapes before and after flattening.

        Training images are counted before the validation images were taken out of them.
        """
        training = self.splits["train"].count + self.splits["validation"].count
        test = self.splits["test"].count
        return [
            ("x_train", (training, *self.image_shape), (training, self.num_pixels)),
            ("y_train", (training,), (training,)),
            ("x_test", (test, *self.image_shape), (test, self.num_pixels)),
            ("y_test", (test,), (test,)),
        ]

    def statistics(self) -> dict[str, float]:
        """Returns what is worth logging as scalar metrics."""
        figures: dict[str, float] = {
            "classes": self.num_classes,
            "image_height": self.image_shape[0],
            "image_width": self.image_shape[1],
            "pixels_flattened": self.num_pixels,
        }
        for name, info in self.splits.items():
            figures[f"{name}_images"] = info.count
            figures[f"{name}_pixel_mean"] = info.pixel_mean
            figures[f"{name}_pixel_deviation"] = info.pixel_deviation
        return figures


def class_changes(before: Sequence[str], now: Sequence[str]) -> list[str]:
    """Says how the classes of one dataset differ from those of an earlier one, in clauses.

    Args:
        before: Class names of the earlier one, by label.
        now: Those of the other.

    Returns:
        Nothing if they are the same, label by label.
    """
    new = [name for name in now if name not in before]
    gone = [name for name in before if name not in now]
    clauses = [f"new classes ({_listed(new)})"] if new else []
    clauses += [f"lost classes ({_listed(gone)})"] if gone else []
    if not clauses and list(before) != list(now):
        return ["its classes in another order"]
    return clauses


def _listed(names: Sequence[str], limit: int = 10) -> str:
    more = len(names) - limit
    return ", ".join(names[:limit]) + (f" and {more} more" if more > 0 else "")


def open_dataset(path: Path) -> PreparedDataset:
    """Opens a prepared dataset; the arrays are verified when they are read.

    Raises:
        UserError: The folder is not a whole dataset, or is one of another format.
    """
    try:
        fields = json.loads((path / MANIFEST).read_bytes())
        if fields["format"] != _FORMAT:
            raise UserError(
                f"{path} is a dataset of format {fields['format']!r}, and this version reads "
                f"format {_FORMAT}; prepare it again"
            )
        return _from_json(path, fields)
    except OSError as error:
        raise UserError(
            f"{path} is not a whole dataset: {MANIFEST} can't be read; prepare it again"
        ) from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise UserError(f"{path / MANIFEST} is damaged; prepare the dataset again") from error


def write_manifest(dataset: PreparedDataset) -> None:
    """Declares a dataset whole: to be called when all splits are on the disk."""
    fields = asdict(dataset)
    del fields["path"]
    write_json(dataset.path / MANIFEST, {"format": _FORMAT, **fields})


def _from_json(path: Path, fields: dict[str, Any]) -> PreparedDataset:
    class_names = tuple(fields["class_names"])
    splits = {}
    for name in SPLIT_NAMES:
        raw = fields["splits"][name]
        splits[name] = SplitInfo(**{**raw, "class_counts": tuple(raw["class_counts"])})
        if len(splits[name].class_counts) != len(class_names):
            raise ValueError(f"class counts of {name} do not fit the class names")
    height, width = fields["image_shape"]
    files = tuple(Entry(**file) for file in fields["files"])
    return PreparedDataset(
        path, fields["source"], files, fields["fingerprint"], (height, width), class_names, splits
    )


def _open_array(path: Path, sha256: str, shape: tuple[int, ...]) -> np.ndarray:
    """Maps a `.npy` file that is what `dataset.json` says."""
    try:
        if sha256_of_file(path) != sha256:
            raise UserError(f"{path} is not what {MANIFEST} says; prepare the dataset again")
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except (OSError, ValueError) as error:
        raise UserError(f"{path} can't be read; prepare the dataset again") from error
    if array.dtype != np.uint8 or array.shape != shape:
        raise UserError(
            f"{path} holds {array.dtype} of shape {array.shape}, and {MANIFEST} says uint8 of "
            f"shape {shape}; prepare the dataset again"
        )
    return array
