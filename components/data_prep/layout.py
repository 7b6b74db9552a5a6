"""Which of the files of a source are data, and what each is for: decided by names alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from components.errors import UserError

CLASS_NAMES = "classes.txt"
_IMAGES = re.compile(r"(.*)images[-.]idx3-ubyte(\.gz)?", re.DOTALL)
_LABELS = re.compile(r"(.*)labels[-.]idx1-ubyte(\.gz)?", re.DOTALL)
_HELD_OUT = ("t10k", "test")


class Pair(NamedTuple):
    """Names of a file of images and the file of their labels."""

    images: str
    labels: str


@dataclass(frozen=True)
class Layout:
    """The data files of a source, by names relative to it.

    Attributes:
        training: Pairs to train on, sorted.
        held_out: Pairs for the test set, sorted.
        npz: The one `.npz` file; then there are no pairs.
        class_names: The file with the names of the classes, if there is one.
    """

    training: tuple[Pair, ...] = ()
    held_out: tuple[Pair, ...] = ()
    npz: str | None = None
    class_names: str | None = None


def is_data(name: str) -> bool:
    """Says whether a file is data; hidden files and files in hidden folders are not."""
    path = PurePosixPath(name)
    if any(part.startswith(".") for part in path.parts):
        return False
    is_idx = _IMAGES.fullmatch(name) or _LABELS.fullmatch(name)
    return bool(is_idx) or path.suffix == ".npz" or path.name == CLASS_NAMES


def arrange(uri: str, names: Iterable[str]) -> Layout:
    """Gives each data file its place.

    Args:
        uri: The source, for messages.
        names: Names for which `is_data` holds.

    Raises:
        UserError: There is no data, a file has no partner, or it is not clear what to read.
    """
    names = sorted(names)
    class_names = _at_most_one(uri, [n for n in names if PurePosixPath(n).name == CLASS_NAMES])
    npz = _at_most_one(uri, [n for n in names if n.endswith(".npz")])
    pairs = _pairs(uri, _by_batch(uri, names, _IMAGES), _by_batch(uri, names, _LABELS))
    if npz is not None and pairs:
        raise _both(uri, npz, pairs[0].images)
    if npz is not None:
        return Layout(npz=npz, class_names=class_names)
    held_out = tuple(pair for pair in pairs if _is_held_out(pair))
    training = tuple(pair for pair in pairs if not _is_held_out(pair))
    _require_both(uri, training, held_out)
    return Layout(training, held_out, class_names=class_names)


def _both(uri: str, one: str, other: str) -> UserError:
    return UserError(f"{uri} holds both {one} and {other}; keep one of them")


def _at_most_one(uri: str, names: list[str]) -> str | None:
    if len(names) > 1:
        raise _both(uri, *names[:2])
    return names[0] if names else None


def _by_batch(uri: str, names: list[str], pattern: re.Pattern[str]) -> dict[str, str]:
    """Maps what the names start with, folders included, to the names that fit the pattern."""
    batches: dict[str, str] = {}
    for name in names:
        match = pattern.fullmatch(name)
        if match and (other := batches.setdefault(match[1], name)) != name:
            raise _both(uri, other, name)
    return batches


def _pairs(uri: str, images: dict[str, str], labels: dict[str, str]) -> list[Pair]:
    for batch in sorted(images.keys() ^ labels.keys()):
        name, partner = (images[batch], "labels") if batch in images else (labels[batch], "images")
        raise UserError(f"{uri} holds {name} without its {partner}; add their file")
    return [Pair(images[batch], labels[batch]) for batch in sorted(images)]


def _is_held_out(pair: Pair) -> bool:
    return PurePosixPath(pair.images).name.lower().startswith(_HELD_OUT)


def _require_both(uri: str, training: tuple[Pair, ...], held_out: tuple[Pair, ...]) -> None:
    if not training and not held_out:
        raise UserError(
            f"{uri} holds no data: pairs *images-idx3-ubyte[.gz] and *labels-idx1-ubyte[.gz], "
            "or one .npz file, are expected"
        )
    if not held_out:
        raise UserError(f"{uri} holds no test set; add a pair whose names start with t10k or test")
    if not training:
        raise UserError(
            f"{uri} holds a test set only; add a pair whose names start with neither t10k nor test"
        )
