"""Which of the files of a source are data, and what each is for: decided by names alone."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import NamedTuple

from components.errors import UserError

CLASS_NAMES = "classes.txt"
_IDX_NAME = re.compile(r"(?P<batch>.*)(?P<kind>images|labels)[-.]idx[13]-ubyte(\.gz)?")
_HELD_OUT = ("t10k", "test")
_EXPECTED = (
    "pairs *images-idx3-ubyte[.gz] and *labels-idx1-ubyte[.gz], or one .npz file, are expected"
)


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
    is_idx = _IDX_NAME.fullmatch(path.name) is not None
    return is_idx or path.suffix == ".npz" or path.name == CLASS_NAMES


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
    pairs = _pairs(uri, [n for n in names if _IDX_NAME.fullmatch(PurePosixPath(n).name)])
    if npz is not None and pairs:
        raise UserError(f"{uri} holds both {npz} and {pairs[0].images}; keep one of the two formats")
    if npz is not None:
        return Layout(npz=npz, class_names=class_names)
    held_out = tuple(pair for pair in pairs if _is_held_out(pair))
    training = tuple(pair for pair in pairs if not _is_held_out(pair))
    _check_both(uri, training, held_out)
    return Layout(training, held_out, class_names=class_names)


def _at_most_one(uri: str, names: list[str]) -> str | None:
    if len(names) > 1:
        raise UserError(f"{uri} holds both {names[0]} and {names[1]}; keep one of them")
    return names[0] if names else None


def _pairs(uri: str, names: list[str]) -> list[Pair]:
    images: dict[str, str] = {}
    labels: dict[str, str] = {}
    for name in names:
        path = PurePosixPath(name)
        match = _IDX_NAME.fullmatch(path.name)
        assert match is not None
        found = images if match["kind"] == "images" else labels
        batch = str(path.with_name(match["batch"] + "-"))
        if batch in found:
            raise UserError(f"{uri} holds both {found[batch]} and {name}; keep one of them")
        found[batch] = name
    for batch in images.keys() ^ labels.keys():
        ...
    return []
