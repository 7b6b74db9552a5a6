"""Local folders and ``gs://`` behind one small interface.

Every operation can be repeated, or carries a precondition: files are only created, never
silently replaced, and the one call that replaces a file names the generation it replaces.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from components.errors import UserError

_GCS_URI = re.compile(r"gs://([a-z0-9][\w.-]+)(?:/(.*))?", re.ASCII | re.DOTALL)


@dataclass(frozen=True)
class Entry:
    """One file behind a URI.

    Attributes:
        name: Path below the URI, with ``/`` between its parts.
        size: Length in bytes.
        digest: ``sha256:<hex>`` of a local file, ``crc32c:<base64>`` of an object.
        generation: The object's generation; 0 for a local file.
    """

    name: str
    size: int
    digest: str
    generation: int = 0


@dataclass(frozen=True)
class Content:
    """A small file as it was read, and the generation to name when replacing it."""

    data: bytes
    generation: int


class ConflictError(UserError):
    """A precondition did not hold: someone else has written the file first."""


class Folder(Protocol):
    """A place for files; names that start with a dot are not listed.

    All methods raise `UserError` with one sentence that names the URI: no credentials, no
    permission, no such bucket or file, a full disk, or a service that does not answer.
    """

    uri: str

    def folder(self, name: str) -> "Folder":
        """Returns the folder of this name inside this one; neither needs to exist."""

    def children(self) -> list[str]:
        """Names of files and folders directly inside, sorted; none if there is no folder."""

    def entries(self) -> list[Entry]:
        """All files at any depth, sorted by name; none if there is no folder."""

    def read(self, name: str) -> Content | None:
        """Reads a small file; None if there is none."""

    def download(
        self, entries: Sequence[Entry], target: Path, sha256: Mapping[str, str] | None = None
    ) -> None:
        """Copies exactly these generations into a local folder, replacing what it holds.

        Files appear under their names only when whole: size and digest of the entry, and
        the SHA-256 (hex, by name) where one is given, have been checked.

        Raises:
            UserError: Also if a file has changed since it was listed, or is damaged.
        """

    def upload(self, source: Path, last: Sequence[str] = ()) -> None:
        """Creates a file here for every file of a local folder; files already here are kept.

        Args:
            source: The local folder.
            last: Names to create when all others are in place, in this order.

        Raises:
            ConflictError: If a file of the same name but with other content is already here.
        """

    def remove(self, name: str) -> None:
        """Removes a file; it is no error that there is none."""

    def write_if_generation(self, name: str, data: bytes, generation: int) -> int:
        """Writes a small file if it still has this generation; 0 stands for no file.

        Writing what is already there succeeds: so a lost reply is no lost race, provided
        that the data say who writes (an attempt id).

        Returns:
            The new generation.

        Raises:
            ConflictError: If the file has another generation and other content.
        """


def open_folder(uri: str) -> Folder:
    """Returns the folder at a path or a ``gs://bucket/prefix`` URI, without touching it.

    Raises:
        UserError: If the URI has an unknown scheme or a malformed name, or if the Google
            Cloud client or credentials are missing.
    """
    if "://" not in uri:
        from components.local_folder import LocalFolder

        return LocalFolder(Path(uri))
    match = _GCS_URI.fullmatch(uri)
    if match is None:
        raise UserError(f"Can't read the URI {uri!r}: write a folder, or gs://bucket/prefix.")
    bucket, prefix = match.groups()
    prefix = (prefix or "").removesuffix("/")
    from components.gcs import GcsFolder, client

    return GcsFolder(client(uri).bucket(bucket), check_name(prefix) if prefix else "")


def check_name(name: str) -> str:
    """Returns a relative name; refuses one that could leave its folder.

    Raises:
        UserError: If a part of the name is empty, ``.`` or ``..``, or the name starts with ``/``.
    """
    if any(part in {"", ".", ".."} for part in name.split("/")) or "\0" in name:
        raise UserError(
            f"The name {name!r} is refused: it has an empty part, '.' or '..'; rename the file."
        )
    return name


def is_hidden(name: str) -> bool:
    """Whether any part of a name starts with a dot, as our own unfinished files do."""
    return any(part.startswith(".") for part in name.split("/"))


def already_there(uri: str) -> ConflictError:
    """The error of `Folder.upload`."""
    return ConflictError(f"{uri} is already there with other content; move it away and run again.")


def written_by_other(uri: str) -> ConflictError:
    """The error of `Folder.write_if_generation`."""
    return ConflictError(f"{uri} was written by someone else meanwhile; look at it and run again.")
