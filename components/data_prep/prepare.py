"""Raw files to a prepared dataset: verified, flattened, split, in blocks of a few MB."""

import logging
import math
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from components.data_prep.contents import Contents, read_contents
from components.data_prep.sources import Source, open_unchanged
from components.data_prep.streams import Batch
from components.data_prep.validation import choose_validation
from components.data_prep.writer import SplitWriter
from components.dataset import MANIFEST, PreparedDataset, SplitInfo, write_manifest
from components.errors import UserError
from components.progress import report

log = logging.getLogger(__name__)


def prepare(
    uri: str,
    fingerprint: str,
    validation_size: int,
    seed: int,
    output_dir: Path,
) -> PreparedDataset:
    """Makes a prepared dataset out of the raw files behind a URI.

    Args:
        uri: "mnist", a folder or an `.npz` file, on this machine or at `gs://`.
        fingerprint: What `sources.fingerprint` returned for it.
        validation_size: Images to take out of the training images; at most a fifth of them.
        seed: Chooses the validation images.
        output_dir: The dataset's folder. It becomes a dataset at the very end; what an earlier
            try has left there is replaced.

    Returns:
        The dataset, as `open_dataset` would return it.

    Raises:
        UserError: The data is missing, damaged or not what was fingerprinted, or the result
            can't be written.
    """
    try:
        (output_dir / MANIFEST).unlink(missing_ok=True)
        with open_unchanged(uri, fingerprint).at_hand() as source:
            dataset = _write(source, validation_size, seed, output_dir)
        write_manifest(dataset)
    except OSError as error:
        raise UserError(
            f"The dataset can't be prepared in {output_dir} ({error.strerror}); "
            "check permissions and free space"
        ) from error
    return dataset


def _write(source: Source, validation_size: int, seed: int, output_dir: Path) -> PreparedDataset:
    """Writes all of a dataset but its manifest."""
    contents = read_contents(source)
    labels = np.concatenate([batch.labels for batch in contents.training])
    in_validation = choose_validation(labels, validation_size, seed)
    dataset = PreparedDataset(
        path=output_dir,
        source=source.uri,
        files=source.entries,
        fingerprint=source.fingerprint,
        image_shape=contents.image_shape,
        class_names=contents.class_names,
        splits=_write_splits(contents, in_validation, output_dir),
    )
    _log(dataset)
    return dataset


def _write_splits(
    contents: Contents, in_validation: np.ndarray, output_dir: Path
) -> dict[str, SplitInfo]:
    counts = {
        "train": int((~in_validation).sum()),
        "validation": int(in_validation.sum()),
        "test": sum(len(batch.labels) for batch in contents.held_out),
    }
    size = math.prod(contents.image_shape), len(contents.class_names)
    with ExitStack() as stack:
        writers = {
            name: stack.enter_context(SplitWriter(output_dir / name, count, *size))
            for name, count in counts.items()
        }
        _write_training(contents, in_validation, writers)
        for images, labels in _blocks(contents.held_out, len(contents.training), contents):
            writers["test"].write(images, labels)
        return {name: writer.finish() for name, writer in writers.items()}


def _write_training(
    contents: Contents, in_validation: np.ndarray, writers: dict[str, SplitWriter]
) -> None:
    start = 0
    for images, labels in _blocks(contents.training, 0, contents):
        held_back = in_validation[start : start + len(labels)]
        start += len(labels)
        writers["validation"].write(images[held_back], labels[held_back])
        writers["train"].write(images[~held_back], labels[~held_back])


def _blocks(
    batches: Sequence[Batch], done: int, contents: Contents
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yields the blocks of some of all batches; reports each batch when it has been read."""
    total = len(contents.training) + len(contents.held_out)
    for number, batch in enumerate(batches, done + 1):
        yield from batch.blocks()
        report(number, total, f"{batch.name}: {len(batch.labels):,} images")


def _log(dataset: PreparedDataset) -> None:
    for array, before, after in dataset.shapes():
        log.info("%s %s -> %s", array, before, after)
    for name, info in dataset.splits.items():
        log.info("%s: %d images, of each class %s", name, info.count, info.class_counts)
