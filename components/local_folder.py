"""Files on a local disk: whole or not there, and replaced only by compare-and-set."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from components.errors import UserError
from components.files import sha256_of_file, write_bytes
from components.storage import (
    Content,
    Entry,
    already_there,
    check_name,
    is_hidden,
    written_by_other,
)


def file_names(folder: Path, last: Sequence[str] = ()) -> list[str]:
    """Names of all files below a folder, hidden ones left out, those in `last` at the end."""
    paths = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    names = {name for name in paths if not is_hidden(name)}
    return [*sorted(names.difference(last)), *(name for name in last if name in names)]


def check_sha256(path: Path, uri: str, sha256: str | None) -> None:
    """Compares a file with the SHA-256 that a manifest gives for it, if it gives one.

    Raises:
        UserError: If they differ; it names the URI.
    """
    if sha256 is not None and sha256_of_file(path) != sha256:
        raise UserError(
            f"{uri} is not the file that its manifest names (SHA-256 differs): "
            "don't use it; restore it, or take another version."
        )


@contextlib.contextmanager
def unfinished(folder: Path) -> Iterator[Path]:
    """A hidden folder inside another, for files that are not yet whole."""
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".unfinished-", dir=folder) as path:
        yield Path(path)


def finish(temporary: Path, target: Path) -> None:
    """Gives a whole file its final name, in the directory on the disk too."""
    _sync(temporary)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary.replace(target)
    _sync(target.parent)


@contextlib.contextmanager
def disk_errors(uri: str) -> Iterator[None]:
    """Turns what the operating system says of a local disk into one sentence."""
    try:
        yield
    except OSError as error:
        where = error.filename or uri
        raise UserError(
            f"Can't read or write {where}: {error.strerror}; mend that and run again."
        ) from error


class LocalFolder:
    """A `components.storage.Folder` on a local disk.

    A file's generation is a number made of its content: "still the same generation" means
    "still the same content".
    """

    def __init__(self, path: Path) -> None:
        """Args: the folder; it need not exist."""
        self._path = path
        self.uri = str(path)

    def folder(self, name: str) -> "LocalFolder":  # noqa: D102 - see the protocol
        return LocalFolder(self._path / check_name(name))

    def children(self) -> list[str]:  # noqa: D102
        with disk_errors(self.uri):
            if not self._path.exists():
                return []
            return sorted(path.name for path in self._path.iterdir() if not is_hidden(path.name))

    def entries(self) -> list[Entry]:  # noqa: D102
        with disk_errors(self.uri):
            return [self._entry(name) for name in file_names(self._path)]

    def read(self, name: str) -> Content | None:  # noqa: D102
        with disk_errors(self.uri):
            return _read(self._path / check_name(name))

    def download(  # noqa: D102
        self, entries: Sequence[Entry], target: Path, sha256: Mapping[str, str] | None = None
    ) -> None:
        with disk_errors(self.uri), unfinished(target) as folder:
            for entry in entries:
                copy = folder / "copy"
                shutil.copyfile(self._path / check_name(entry.name), copy)
                uri = f"{self.uri}/{entry.name}"
                check_sha256(copy, uri, (sha256 or {}).get(entry.name))
                if f"sha256:{sha256_of_file(copy)}" != entry.digest:
                    raise UserError(f"{uri} has changed since it was listed; run again.")
                finish(copy, target / entry.name)

    def upload(self, source: Path, last: Sequence[str] = ()) -> None:  # noqa: D102
        with disk_errors(self.uri), unfinished(self._path) as folder:
            for name in file_names(source, last):
                shutil.copyfile(source / name, folder / "copy")
                _create(folder / "copy", self._path / check_name(name))

    def write_if_generation(self, name: str, data: bytes, generation: int) -> int:  # noqa: D102
        target = self._path / check_name(name)
        with disk_errors(self.uri):
            if generation == 0:
                self._write_new(target, data)
            else:
                _replace(target, data, generation)
        return _generation(data)

    def remove(self, name: str) -> None:  # noqa: D102
        with disk_errors(self.uri):
            (self._path / check_name(name)).unlink(missing_ok=True)

    def _write_new(self, target: Path, data: bytes) -> None:
        with unfinished(self._path) as folder:
            (folder / "new").write_bytes(data)
            _create(folder / "new", target)

    def _entry(self, name: str) -> Entry:
        path = self._path / name
        return Entry(name, path.stat().st_size, f"sha256:{sha256_of_file(path)}")


def _read(path: Path) -> Content | None:
    try:
        data = path.read_bytes()
    except (FileNotFoundError, NotADirectoryError):
        return None
    return Content(data, _generation(data))


def _generation(data: bytes) -> int:
    return int.from_bytes(hashlib.sha256(data).digest()[:8]) or 1


def _create(temporary: Path, target: Path) -> None:
    """Gives a whole file its final name unless that name is taken: a link can't overwrite."""
    _sync(temporary)
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(temporary, target)
    except FileExistsError as error:
        if sha256_of_file(temporary) != sha256_of_file(target):
            raise already_there(str(target)) from error
    _sync(target.parent)
    temporary.unlink()


def _replace(target: Path, data: bytes, generation: int) -> None:
    """Compares and sets; what creates files needs no lock, for it never replaces one."""
    with _locked(target):
        present = _read(target)
        if present is not None and present.data == data:
            return
        if present is None or present.generation != generation:
            raise written_by_other(str(target))
        write_bytes(target, data)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _locked(target: Path) -> Iterator[None]:
    """Holds a lock that the system releases when the process dies, however it dies."""
    with (target.parent / f".{target.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
