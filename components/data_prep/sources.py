"""The raw files behind a source URI: what they are, and whether they have changed."""

import contextlib
import hashlib
import json
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from components.data_prep.idx import open_idx
from components.data_prep.layout import CLASS_NAMES, Layout, Pair, arrange, is_data
from components.data_prep.npz import open_npz
from components.data_prep.streams import Batch
from components.errors import UserError
from components.files import sha256_of_file
from components.storage import Entry, open_folder

MNIST = "mnist"
_MNIST_FOLDER = Path(__file__).with_name("mnist")
_MNIST_FINGERPRINT = "919af56ae0de33311f6e818300f54cd1b46f82888275b4218da5ece336441e6d"


@dataclass(frozen=True)
class Source:
    """The data files behind a URI.

    Attributes:
        uri: "mnist", a folder or an `.npz` file, on this machine or at `gs://`.
        folder: Where the files are; for `gs://` see `at_hand`.
        entries: The files that are read, sorted by name, with their digests.
        layout: What each of them is for.
    """

    uri: str
    folder: Path
    entries: tuple[Entry, ...]
    layout: Layout

    @property
    def fingerprint(self) -> str:
        """SHA-256 in hexadecimal: another one as soon as a byte or a name changes."""
        listing = json.dumps([(entry.name, entry.digest) for entry in self.entries])
        return hashlib.sha256(listing.encode()).hexdigest()

    @contextlib.contextmanager
    def at_hand(self) -> Iterator["Source"]:
        """Yields this source with its files on this machine.

        Objects are copied for as long as the block lasts: exactly the generations that were
        listed, whatever happens to them meanwhile. Files are read where they are, and listed
        once more when the block ends, so that data which changes meanwhile can't mix.

        Raises:
            UserError: The data has changed since it was listed, or can't be read.
        """
        if not _is_remote(self.uri):
            yield self
            open_unchanged(self.uri, self.fingerprint)
            return
        with tempfile.TemporaryDirectory() as copy:
            open_folder(_remote_folder(self.uri)).download(self.entries, Path(copy))
            try:
                yield replace(self, folder=Path(copy))
            except UserError as error:
                raise UserError(str(error).replace(copy, _remote_folder(self.uri))) from error

    @property
    def class_names_path(self) -> Path | None:
        """The file with the names of the classes, if there is one."""
        name = self.layout.class_names
        return None if name is None else self.folder / name

    def batches(self) -> tuple[list[Batch], list[Batch]]:
        """Returns the batches to train on and those of the test set, in sorted order."""
        if self.layout.npz is not None:
            path = self.folder / self.layout.npz
            return [_npz_batch(path, "train")], [_npz_batch(path, "test")]
        training, held_out = self.layout.training, self.layout.held_out
        return [self._batch(pair) for pair in training], [self._batch(pair) for pair in held_out]

    def _batch(self, pair: Pair) -> Batch:
        images, labels = self.folder / pair.images, self.folder / pair.labels
        return Batch(str(images), partial(open_idx, images, 3), partial(open_idx, labels, 1))


def fingerprint(uri: str) -> str:
    """Returns `Source.fingerprint` of the raw files behind a URI.

    Raises:
        UserError: There is no usable data.
    """
    return open_source(uri).fingerprint


def open_source(uri: str) -> Source:
    """Lists the data files behind a URI with their digests; reads nothing else of them.

    Raises:
        UserError: There is no usable data.
    """
    if _is_remote(uri):
        return _open_remote(uri)
    try:
        folder, names = _locate(uri)
        layout = arrange(uri, names)
        entries = tuple(_entry(folder, name) for name in sorted(names))
    except OSError as error:
        raise UserError(
            f"{error.filename or uri} can't be read ({error.strerror}); check the file"
        ) from error
    source = Source(uri, folder, entries, layout)
    if uri == MNIST and source.fingerprint != _MNIST_FINGERPRINT:
        raise UserError(f"{folder} is not the MNIST that was published; install the package again")
    return source


def open_unchanged(uri: str, fingerprint: str) -> Source:
    """Lists as `open_source` does.

    Raises:
        UserError: There is no usable data, or it is not what the fingerprint was taken of.
    """
    source = open_source(uri)
    if source.fingerprint != fingerprint:
        raise UserError(f"{uri} has changed since this run took its fingerprint; start a new run")
    return source


def _locate(uri: str) -> tuple[Path, list[str]]:
    """Finds the folder behind a URI and the names of the data files in it."""
    path = _MNIST_FOLDER if uri == MNIST else Path(uri)
    if path.is_dir():
        names = (p.relative_to(path).as_posix() for p in path.rglob("*") if p.is_file())
        return path, [name for name in names if is_data(name)]
    if path.suffix == ".npz" and path.is_file():
        beside = [CLASS_NAMES] if path.with_name(CLASS_NAMES).is_file() else []
        return path.parent, [path.name, *beside]
    if path.exists():
        raise UserError(f"{uri} is neither a folder nor an .npz file; name one of these")
    raise UserError(f"{uri} does not exist; name a folder, an .npz file or {MNIST!r}")


def _is_remote(uri: str) -> bool:
    return "://" in uri


def _remote_folder(uri: str) -> str:
    return uri.rpartition("/")[0] if uri.endswith(".npz") else uri.rstrip("/")


def _open_remote(uri: str) -> Source:
    folder = _remote_folder(uri)
    entries = tuple(entry for entry in open_folder(folder).entries() if is_data(entry.name))
    if uri.endswith(".npz"):
        wanted = {uri.rpartition("/")[2], CLASS_NAMES}
        entries = tuple(entry for entry in entries if entry.name in wanted)
    return Source(uri, Path(), entries, arrange(uri, [entry.name for entry in entries]))


def _entry(folder: Path, name: str) -> Entry:
    path = folder / name
    return Entry(name, path.stat().st_size, f"sha256:{sha256_of_file(path)}")


def _npz_batch(path: Path, kind: str) -> Batch:
    images, labels = f"x_{kind}", f"y_{kind}"
    return Batch(
        f"{path}: {images}", partial(open_npz, path, images, 3), partial(open_npz, path, labels, 1)
    )
