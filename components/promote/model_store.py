"""Published models: numbered, immutable versions, each one whole.

``<store>/<name>/`` holds a folder for each version, laid out as TF Serving expects, and::

    claims.json        which model has which version number
    champion.json      which version serves (see `components.promote.champion`)
    history/           what champion.json said before
"""

import contextlib
import json
import re
import tempfile
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

from components.errors import UserError
from components.promote import card
from components.promote.candidate import Candidate, parse
from components.storage import ConflictError, Folder, open_folder

FORMAT = 1
MANIFEST = "manifest.json"
EVALUATION = "evaluation.json"
CARD = "MODEL_CARD.md"
LOADABLE = "saved_model.pb"  # TF Serving loads no version without it
_CLAIMS = "claims.json"
_NAME = re.compile(r"[A-Za-z0-9][\w-]*", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_READERS = 8


@dataclass(frozen=True)
class Version:
    """What a version's manifest says.

    Attributes:
        version: Its number.
        attempt: Digest of the model.
        published: When, ISO 8601 in UTC.
        accuracy: On the test images, as evaluated when it was published.
        dataset_fingerprint: Of the data that it was trained on.
        recipe: Name of its recipe.
        files: SHA-256 of every other file of the version, by name.
    """

    version: int
    attempt: str
    published: str
    accuracy: float
    dataset_fingerprint: str
    recipe: str
    files: Mapping[str, str]


class ModelStore:
    """All versions of one model."""

    def __init__(self, uri: str, name: str) -> None:
        """Opens a store, which need not exist yet.

        Args:
            uri: A folder or ``gs://bucket/prefix``.
            name: The model's name: letters, digits, ``-`` and ``_``.

        Raises:
            UserError: If one of them is malformed.
        """
        if not _NAME.fullmatch(name):
            raise UserError(f"The model name {name!r} is refused: use letters, digits, '-', '_'.")
        self.name = name
        self.folder: Folder = open_folder(uri).folder(name)

    def versions(self) -> list[Version]:
        """All versions that are whole, oldest first; what is not ours is left out."""
        with ThreadPoolExecutor(_READERS) as pool:
            found = pool.map(self._find, self._numbers())
        return [version for version in found if version is not None]

    def version(self, number: int) -> Version:
        """Reads one version's manifest.

        Raises:
            UserError: If there is no such version, or it is not whole.
        """
        found = self._find(number)
        if found is None:
            raise UserError(f"{self.folder.uri} has no version {number}; 'models list' shows all.")
        return found

    def read(self, number: int, name: str) -> bytes:
        """Reads a small file of a version and checks its digest.

        Raises:
            UserError: If there is no such file, or it is damaged.
        """
        expected = self.version(number).files.get(name)
        content = self._of(number).read(name)
        if content is None or sha256(content.data).hexdigest() != expected:
            raise UserError(f"{self._of(number).uri}/{name} is missing or damaged; restore it.")
        return content.data

    def fetch(self, number: int, target: Path) -> None:
        """Copies a version into a local folder, where `dense_model.load_model` reads it.

        Raises:
            UserError: If there is no such version, or a file of it is missing or damaged.
        """
        files = self.version(number).files
        entries = [entry for entry in self._of(number).entries() if entry.name in files]
        if missing := files.keys() - {entry.name for entry in entries}:
            raise UserError(f"{self._of(number).uri}/{min(missing)} is missing; restore it.")
        self._of(number).download(entries, target, files)

    @contextlib.contextmanager
    def at_hand(self, number: int) -> Iterator[Path]:
        """Yields a copy of a version, as `fetch` makes it, for as long as the block lasts."""
        with tempfile.TemporaryDirectory() as folder:
            self.fetch(number, Path(folder))
            yield Path(folder)

    def publish(self, candidate: Candidate) -> int:
        """Makes a model the next version, or finishes what a try before this one began.

        Returns:
            Its number; publishing a model again returns the same one and changes nothing.

        Raises:
            UserError: If the model can't be served, or something else is in its place.
        """
        if LOADABLE not in candidate.files:
            raise UserError(f"{candidate.folder} has no {LOADABLE}, so nothing can serve it.")
        number = self._claim(candidate.attempt)
        self._write(number, candidate)
        return number

    def _of(self, number: int) -> Folder:
        return self.folder.folder(str(number))

    def _numbers(self) -> list[int]:
        return sorted(int(name) for name in self.folder.children() if _NUMBER.fullmatch(name))

    def _find(self, number: int) -> Version | None:
        folder = self._of(number)
        manifest = folder.read(MANIFEST)
        if manifest is None or LOADABLE not in folder.children():
            return None
        return _parse(parse(manifest.data, f"{folder.uri}/{MANIFEST}"), f"{folder.uri}/{MANIFEST}")

    def _claim(self, attempt: str) -> int:
        """Returns the number of a model's version, a new one if it has none yet."""
        while True:
            present = self.folder.read(_CLAIMS)
            claims = self._parse_claims(present.data) if present else {}
            if attempt in claims:
                return claims[attempt]
            number = max([0, *claims.values(), *self._numbers()]) + 1
            document = _encode({**claims, attempt: number})
            try:
                generation = present.generation if present else 0
                self.folder.write_if_generation(_CLAIMS, document, generation)
                return number
            except ConflictError:
                continue  # someone else has claimed a number: look again

    def _parse_claims(self, document: bytes) -> dict[str, int]:
        claims = parse(document, uri := f"{self.folder.uri}/{_CLAIMS}")
        if not all(type(number) is int for number in claims.values()):
            raise UserError(f"{uri} is damaged; restore it.")
        return claims

    def _write(self, number: int, candidate: Candidate) -> None:
        """Writes a version's files, so that it does not matter who finishes what who began.

        What is there already is compared: only a version that is whole may begin to serve.
        """
        folder = self._of(number)
        evaluation = _create(folder, EVALUATION, candidate.evaluation, "model_digest")
        text = card.render(self.name, number, candidate.model, json.loads(evaluation)).encode()
        files = {
            **candidate.files,
            EVALUATION: sha256(evaluation).hexdigest(),
            CARD: sha256(text).hexdigest(),
        }
        _create(folder, MANIFEST, _manifest(number, candidate, files), "files")
        with tempfile.TemporaryDirectory() as stage:
            (Path(stage) / CARD).write_bytes(text)
            for name in candidate.files:
                link = Path(stage) / name
                link.parent.mkdir(parents=True, exist_ok=True)
                link.symlink_to((candidate.folder / name).absolute())
            folder.upload(Path(stage), last=[LOADABLE])


def open_store(uri: str, name: str) -> ModelStore | None:
    """Opens a store; None if the URI is empty, for pipelines that run without one."""
    return ModelStore(uri, name) if uri else None


def _parse(content: dict[str, Any], uri: str) -> Version:
    if content.pop("format", None) != FORMAT:
        raise UserError(f"{uri} has an unknown format; update this software.")
    if content.keys() != {field.name for field in fields(Version)}:
        raise UserError(f"{uri} is damaged; restore it, or move the version's folder away.")
    return Version(**content)


def _manifest(number: int, candidate: Candidate, files: dict[str, str]) -> dict[str, Any]:
    return {
        "format": FORMAT,
        "version": number,
        "attempt": candidate.attempt,
        "published": datetime.now(UTC).isoformat(timespec="seconds"),
        "accuracy": candidate.evaluation["accuracy"],
        "dataset_fingerprint": candidate.evaluation["dataset_fingerprint"],
        "recipe": candidate.model["recipe"]["name"],
        "files": files,
    }


def _create(folder: Folder, name: str, document: Mapping[str, Any], key: str) -> bytes:
    """Writes a document unless it is there; returns what is there, if the key has this value."""
    data = _encode(document)
    try:
        folder.write_if_generation(name, data, 0)
    except ConflictError as error:
        uri, present = f"{folder.uri}/{name}", folder.read(name)
        if present is None or parse(present.data, uri).get(key) != document[key]:
            raise UserError(f"{uri} is of another model; move it away and run again.") from error
        return present.data
    return data


def _encode(content: Mapping[str, Any]) -> bytes:
    return f"{json.dumps(content, indent=2, allow_nan=False)}\n".encode()
