"""Which version serves: a pointer that moves only from where it was expected to be."""

import contextlib
import json
import re
import uuid
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from components.errors import UserError
from components.promote.candidate import parse
from components.promote.model_store import ModelStore
from components.storage import ConflictError, Content

_POINTER = "champion.json"
_HISTORY = "history"
_ARCHIVED = re.compile(r"[\dT:.+-]+-(?P<version>[1-9]\d*)-(?P<attempt>[0-9a-f]+)\.json", re.ASCII)


@dataclass(frozen=True)
class Champion:
    """The content of ``champion.json``.

    Attributes:
        version: The version that serves.
        since: When it began to, ISO 8601 in UTC with microseconds.
        reason: Why it was chosen.
        attempt: Who chose it: the model's digest, or a rollback's own id.
    """

    version: int
    since: str
    reason: str
    attempt: str


class StaleChampionError(UserError):
    """Another champion serves now than the one compared with: compare again, then promote."""


def current(store: ModelStore) -> Champion | None:
    """Reads which version serves; None if no model was promoted yet.

    Raises:
        UserError: If the pointer is damaged.
    """
    return _read(store)[0]


def serving(store: ModelStore | None) -> int:
    """Reads which version serves; 0 for none, because a pipeline's parameter can't be None.

    Raises:
        UserError: If the pointer is damaged.
    """
    champion = current(store) if store else None
    return champion.version if champion else 0


@contextlib.contextmanager
def at_hand(store: ModelStore | None, version: int) -> Iterator[Path | None]:
    """Yields a copy of the version that `serving` has named; None for 0.

    Raises:
        UserError: If there is no such version, or a file of it is missing or damaged.
    """
    if store is None or version == 0:
        yield None
        return
    with store.at_hand(version) as folder:
        yield folder


def first_time(store: ModelStore, attempt: str) -> Champion | None:
    """Finds what was said when an attempt moved the pointer, now or long ago."""
    champion = current(store)
    if champion is not None and champion.attempt == attempt:
        return champion
    name = next((match[0] for match in _history(store) if match["attempt"] == attempt), None)
    content = store.folder.folder(_HISTORY).read(name) if name else None
    return _parse(store, content) if content else None


def require(store: ModelStore, expected: int | None) -> tuple[Champion | None, Content | None]:
    """Reads the pointer, and makes sure that the expected version serves.

    Raises:
        StaleChampionError: If another version serves.
    """
    champion, content = _read(store)
    if (champion.version if champion else None) != expected:
        raise _stale(store, expected)
    return champion, content


def move(
    store: ModelStore, version: int, expected: int | None, reason: str, attempt: str
) -> Champion:
    """Lets another version serve.

    Args:
        store: The model store.
        version: A version that is published.
        expected: The version that serves now, None for none; the pointer moves only from it.
        reason: For people.
        attempt: A name that no other move has, so that a lost reply is no lost race.

    Raises:
        StaleChampionError: If another version serves.
    """
    before, present = require(store, expected)
    if before is not None and present is not None:
        _archive(store, before, present.data)
    after = Champion(version, _since(before), reason, attempt)
    document = f"{json.dumps(asdict(after), indent=2)}\n".encode()
    try:
        generation = present.generation if present else 0
        store.folder.write_if_generation(_POINTER, document, generation)
    except ConflictError as error:
        raise _stale(store, expected) from error
    return after


def rollback(store: ModelStore, version: int | None = None) -> Champion:
    """Lets an earlier version serve again.

    Args:
        store: The model store.
        version: Which; without one, the champion before the present one.

    Raises:
        UserError: If there is no such version, or a file of it is damaged.
        StaleChampionError: If someone else moves the pointer at the same moment.
    """
    champion = current(store)
    target = version or _previous(store, champion)
    if champion and target == champion.version:
        return champion
    with store.at_hand(target):  # a damaged version must not serve
        reason = f"rolled back from version {champion.version}" if champion else "chosen by hand"
        before = champion.version if champion else None
        return move(store, target, before, reason, uuid.uuid4().hex)


def _read(store: ModelStore) -> tuple[Champion | None, Content | None]:
    content = store.folder.read(_POINTER)
    return (_parse(store, content) if content else None), content


def _parse(store: ModelStore, content: Content) -> Champion:
    uri = f"{store.folder.uri}/{_POINTER}"
    try:
        champion = Champion(**parse(content.data, uri))
        kinds = {name: type(value) for name, value in asdict(champion).items()}
        has_zone = datetime.fromisoformat(champion.since).tzinfo is not None
        if kinds == Champion.__annotations__ and has_zone:
            return champion
        raise ValueError("a value is of the wrong kind")
    except (UserError, TypeError, ValueError) as error:
        raise UserError(
            f"{uri} is damaged; move it away, and say which version serves with "
            "`mnist-pipeline models rollback VERSION`."
        ) from error


def _since(before: Champion | None) -> str:
    """Now, but never before the last move, so that the history sorts also if clocks differ."""
    now = datetime.now(UTC)
    if before is not None:
        now = max(now, datetime.fromisoformat(before.since) + timedelta(microseconds=1))
    return now.isoformat(timespec="microseconds")


def _archive(store: ModelStore, champion: Champion, document: bytes) -> None:
    """Keeps what the pointer says, before it says something else; a second time is harmless."""
    name = f"{champion.since}-{champion.version}-{champion.attempt}.json"
    store.folder.folder(_HISTORY).write_if_generation(name, document, 0)


def _history(store: ModelStore) -> list[re.Match[str]]:
    """Names of what was archived, oldest first; what is not ours is left out."""
    names = store.folder.folder(_HISTORY).children()
    return [match for name in names if (match := _ARCHIVED.fullmatch(name))]


def _previous(store: ModelStore, champion: Champion | None) -> int:
    if champion is None:
        raise UserError(
            f"{store.folder.uri} has no champion yet; run the pipeline, or name a version."
        )
    versions = [int(match["version"]) for match in _history(store)]
    others = [version for version in versions if version != champion.version]
    if not others:
        raise UserError(f"{store.folder.uri} has no champion before version {champion.version}.")
    return others[-1]


def _stale(store: ModelStore, expected: int | None) -> StaleChampionError:
    compared = "without a champion" if expected is None else f"with version {expected}"
    return StaleChampionError(
        f"{store.folder.uri} has another champion by now than the model was compared "
        f"{compared}; evaluate again and promote then."
    )
