"""What a source holds, found out before a single image is read: labels, sizes, classes."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import numpy as np

from components.data_prep.sources import Source
from components.data_prep.streams import Batch
from components.errors import UserError

_MAX_CLASSES = 256  # labels are bytes
_LONGEST_NAME = 60
# What would act on a terminal, or turn round the text beside it.
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


@dataclass(frozen=True)
class Contents:
    """The batches of a source, and what all their images have in common.

    Attributes:
        training: Batches to train on.
        held_out: Batches of the test set.
        image_shape: Height and width, the same everywhere.
        class_names: A name for each label.
    """

    training: Sequence[Batch]
    held_out: Sequence[Batch]
    image_shape: tuple[int, int]
    class_names: tuple[str, ...]


def read_contents(source: Source) -> Contents:
    """Reads all labels and the headers of all images, and checks that they fit together.

    Raises:
        UserError: A file is damaged, or files do not fit together.
    """
    training, held_out = source.batches()
    classes = np.unique(np.concatenate([batch.labels for batch in training]))
    if len(classes) < 2:
        raise UserError(
            f"{source.uri} has training images of one class only ({classes[0]}); add another class"
        )
    for batch in held_out:
        _require_known(batch, classes)
    image_shape = _common_image_shape([*training, *held_out])
    names = _class_names(source.class_names_path, num_labels=int(classes[-1]) + 1)
    return Contents(training, held_out, image_shape, names)


def _require_known(batch: Batch, classes: np.ndarray) -> None:
    unknown = np.setdiff1d(batch.labels, classes)
    if len(unknown):
        raise UserError(
            f"{batch.name} has test images of class {unknown[0]}, of which there are no "
            "training images; add some or take these out"
        )


def _common_image_shape(batches: Sequence[Batch]) -> tuple[int, int]:
    height, width = _image_shape(batches[0])
    for batch in batches[1:]:
        rows, columns = _image_shape(batch)
        if (rows, columns) != (height, width):
            raise UserError(
                f"{batch.name} has images of {rows}x{columns} pixels and "
                f"{batches[0].name} of {height}x{width}; scale them to one size"
            )
    return height, width


def _image_shape(batch: Batch) -> tuple[int, int]:
    with batch.open_images() as stream:
        count, height, width = stream.shape
    if count != len(batch.labels):
        raise UserError(
            f"{stream.name} has {count} images and {len(batch.labels)} labels; "
            "get both files from the same place again"
        )
    return height, width


def _class_names(path: Path | None, num_labels: int) -> tuple[str, ...]:
    """Reads one name a line; without a file, classes are called by their numbers."""
    if path is None:
        return tuple(map(str, range(num_labels)))
    try:
        with path.open(encoding="utf-8-sig") as file:
            names = [line.strip() for line in islice(file, _MAX_CLASSES + 1)]
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"{path} can't be read as UTF-8 text; write one name a line") from error
    while names and not names[-1]:
        names.pop()
    if "" in names or not num_labels <= len(names) <= _MAX_CLASSES:
        raise UserError(
            f"{path} must name {num_labels} to {_MAX_CLASSES} classes, one a line without empty "
            f"lines, and has {len(names)}; the first line names class 0"
        )
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(f"{path} gives the name {twice[0]!r} to two classes; tell them apart")
    if odd := [name for name in names if len(name) > _LONGEST_NAME or _CONTROLS.search(name)]:
        raise UserError(
            f"{path} has the name {odd[0][:_LONGEST_NAME]!r}; write at most {_LONGEST_NAME} "
            "characters, without control characters"
        )
    return tuple(names)
