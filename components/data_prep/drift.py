"""What has changed since the data that the champion was trained on, and whether it is much."""

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from components.dataset import PreparedDataset, SplitInfo, class_changes
from components.promote.candidate import MODEL
from components.promote.model_store import ModelStore

# Beyond these, a figure counts as moved: parts of what it was before. A class share must also
# differ by more than chance explains, so many standard errors of the difference of two shares.
SHARE_BOUND = 0.2
PIXEL_BOUND = 0.1
STANDARD_ERRORS = 3

# Validation images are drawn from the training images, class by class, and tell nothing new.
_COMPARED = ("train", "test")


@dataclass(frozen=True)
class Shift:
    """A figure of the champion's data, the same of this, and whether it moved beyond its bound.

    It is None where one of them does not have the class.
    """

    before: float | None
    now: float | None
    moved: bool


@dataclass(frozen=True)
class SplitDrift:
    """One split of both data sets; class shares by name, those that are gone at the end."""

    count_before: int
    count: int
    pixel_mean: Shift
    pixel_deviation: Shift
    class_shares: dict[str, Shift]


@dataclass(frozen=True)
class Drift:
    """What has changed since the data of the champion.

    Attributes:
        version: The champion's version; 0 for none.
        note: Why there is nothing to compare; empty if there is.
        splits: "train" and "test".
        warnings: A sentence for everything that moved beyond its bound.
    """

    version: int
    note: str = ""
    splits: dict[str, SplitDrift] = field(default_factory=dict)
    warnings: list[str] = field(default_factory=list)


def since_champion(dataset: PreparedDataset, store: ModelStore | None, version: int) -> Drift:
    """Compares a dataset with the one that a version of the model store was trained on.

    Args:
        dataset: The dataset.
        store: The model store, if there is one.
        version: The champion's version; 0 for none.

    Raises:
        UserError: If the version is missing or damaged.
    """
    if store is None or version == 0:
        return Drift(0, "There is no champion yet whose data this could be compared with.")
    model = json.loads(store.read(version, MODEL))
    if model["dataset"]["fingerprint"] == dataset.fingerprint:
        return Drift(version, f"These are the files that version {version} was trained on.")
    if "splits" not in model["dataset"]:
        return Drift(version, f"Version {version} does not say what its data was like.")
    return compare(dataset, version, model)


def compare(dataset: PreparedDataset, version: int, model: Mapping[str, Any]) -> Drift:
    """Compares a dataset with what a model.json says of its own.

    Args:
        dataset: The dataset.
        version: The model's version.
        model: The content of its model.json.
    """
    splits = {}
    for name in _COMPARED:
        before = SplitInfo(**model["dataset"]["splits"][name])
        splits[name] = _compare_splits(
            before, model["class_names"], dataset.splits[name], dataset.class_names
        )
    warnings = [*_structure(dataset, model)]
    for name, split in splits.items():
        warnings += _warnings(name, split)
    return Drift(version, splits=splits, warnings=warnings)


def _compare_splits(
    before: SplitInfo, names_before: list[str], now: SplitInfo, names: tuple[str, ...]
) -> SplitDrift:
    counts_before = dict(zip(names_before, before.class_counts, strict=True))
    counts = dict(zip(names, now.class_counts, strict=True))
    return SplitDrift(
        count_before=before.count,
        count=now.count,
        pixel_mean=_pixel_shift(before.pixel_mean, now.pixel_mean),
        pixel_deviation=_pixel_shift(before.pixel_deviation, now.pixel_deviation),
        class_shares={
            name: _share_shift(counts_before.get(name), before.count, counts.get(name), now.count)
            for name in counts | counts_before
        },
    )


def _pixel_shift(before: float, now: float) -> Shift:
    return Shift(before, now, abs(now - before) > PIXEL_BOUND * before)


def _share_shift(hits_before: int | None, count_before: int, hits: int | None, count: int) -> Shift:
    before, now = _share(hits_before, count_before), _share(hits, count)
    if before is None or now is None:
        return Shift(before, now, moved=False)
    pooled = (before * count_before + now * count) / (count_before + count)
    error = math.sqrt(pooled * (1 - pooled) * (1 / count_before + 1 / count))
    difference = abs(now - before)
    moved = difference > SHARE_BOUND * before and difference > STANDARD_ERRORS * error
    return Shift(before, now, moved)


def _share(hits: int | None, count: int) -> float | None:
    return None if hits is None else hits / count


def _structure(dataset: PreparedDataset, model: Mapping[str, Any]) -> Iterator[str]:
    """Warns of other classes and other image sizes."""
    for change in class_changes(model["class_names"], dataset.class_names):
        yield f"{change[0].upper()}{change[1:]}."
    (height, width), (rows, columns) = dataset.image_shape, model["image_shape"]
    if (height, width) != (rows, columns):
        yield f"Images have {height}x{width} pixels, had {rows}x{columns}."


def _warnings(split_name: str, split: SplitDrift) -> Iterator[str]:
    for name, share in split.class_shares.items():
        if share.moved:
            yield f"Class {name} is {share.now:.1%} of {split_name}, was {share.before:.1%}."
    for figure, value in (("mean", split.pixel_mean), ("deviation", split.pixel_deviation)):
        if value.moved:
            yield f"The pixel {figure} of {split_name} is {value.now:.4f}, was {value.before:.4f}."
