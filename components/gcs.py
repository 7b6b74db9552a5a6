"""Objects of Google Cloud Storage, read by generation and written with preconditions."""

import base64
import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

from components.errors import UserError
from components.local_folder import check_sha256, disk_errors, file_names, finish, unfinished
from components.progress import report
from components.storage import (
    Content,
    Entry,
    already_there,
    check_name,
    is_hidden,
    written_by_other,
)

try:
    import google_crc32c
    from google.api_core import exceptions
    from google.cloud import storage
    from google.cloud.storage import transfer_manager
    from google.cloud.storage.retry import DEFAULT_RETRY

    from components.gcs_errors import explained
except ImportError as error:
    raise UserError(
        "gs:// needs the Google Cloud client: pip install 'google-cloud-storage>=3.4,<4'."
    ) from error

T = TypeVar("T")
R = TypeVar("R")

# Threads fight over the interpreter's lock when they read 8 kB at a time, as the client does
# by itself; four threads that take a file in one piece are three times faster than its
# default of eight processes. Larger files come in ranges, so memory stays bounded.
_WORKERS = 4
_PIECE = 32 * 2**20
_BATCH = 128 * 2**20
_TRIES = 5
_THREADS = {"worker_type": transfer_manager.THREAD, "max_workers": _WORKERS}
_RETRY = DEFAULT_RETRY.with_delay(initial=0.5, maximum=30).with_timeout(120)


def client(uri: str) -> storage.Client:
    """A client with default credentials; anonymous where STORAGE_EMULATOR_HOST is set."""
    with explained(uri):
        return storage.Client(project=None)


class GcsFolder:
    """A `components.storage.Folder` of the objects below a prefix in a bucket."""

    def __init__(self, bucket: storage.Bucket, prefix: str) -> None:
        """Args: the bucket, and a prefix without a slash at its end; empty for all of it."""
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.uri = f"gs://{bucket.name}/{prefix}".removesuffix("/")

    def folder(self, name: str) -> "GcsFolder":  # noqa: D102 - see the protocol
        return GcsFolder(self._bucket, self._prefix + check_name(name))

    def children(self) -> list[str]:  # noqa: D102
        with explained(self.uri):
            listing = self._list(delimiter="/")
            names = {blob.name for blob in listing} | set(listing.prefixes)
        parts = (name.removeprefix(self._prefix).removesuffix("/") for name in names)
        return sorted(part for part in parts if part and not is_hidden(part))

    def entries(self) -> list[Entry]:  # noqa: D102
        with explained(self.uri):
            blobs = list(self._list())
        # A name that ends in a slash is the empty object by which consoles show a folder.
        entries = [self._entry(blob) for blob in blobs if not blob.name.endswith("/")]
        return sorted((e for e in entries if not is_hidden(e.name)), key=lambda e: e.name)

    def read(self, name: str) -> Content | None:  # noqa: D102
        blob = self._blob(name)
        with explained(f"{self.uri}/{name}"):
            for _ in range(_TRIES):
                try:
                    data = blob.download_as_bytes(
                        raw_download=True,
                        checksum=None,
                        single_shot_download=True,
                        retry=_RETRY,
                    )
                except exceptions.NotFound:
                    next(iter(self._list(max_results=1)), None)  # fails if the bucket is missing
                    return None
                if _crc32c(data) == blob.crc32c:
                    return Content(data, blob.generation)
        raise _damaged(f"{self.uri}/{name}")

    def download(  # noqa: D102
        self, entries: Sequence[Entry], target: Path, sha256: Mapping[str, str] | None = None
    ) -> None:
        with disk_errors(str(target)), explained(self.uri), unfinished(target) as folder:
            for batch in _with_progress(_batches(entries, lambda entry: entry.size), self.uri):
                copies = {entry: folder / str(number) for number, entry in enumerate(batch)}
                self._fetch_whole(copies)
                _in_parallel(lambda copy: self._finish(*copy, target, sha256 or {}), copies.items())

    def upload(self, source: Path, last: Sequence[str] = ()) -> None:  # noqa: D102
        names = file_names(source, last)
        groups = [[name for name in names if name not in last], *([name] for name in last)]
        with disk_errors(str(source)), explained(self.uri):
            for group in groups:
                self._put(source, group)

    def write_if_generation(self, name: str, data: bytes, generation: int) -> int:  # noqa: D102
        blob = self._blob(name)
        try:
            with explained(f"{self.uri}/{name}"):
                blob.upload_from_string(
                    data, if_generation_match=generation, checksum="crc32c", retry=_RETRY
                )
        except exceptions.PreconditionFailed as error:
            present = self.read(name)
            if present is None or present.data != data:
                raise written_by_other(f"{self.uri}/{name}") from error
            return present.generation  # our write won, its reply was lost
        return int(blob.generation)

    def remove(self, name: str) -> None:  # noqa: D102
        with explained(f"{self.uri}/{name}"), contextlib.suppress(exceptions.NotFound):
            self._blob(name).delete(retry=_RETRY)

    def _list(self, **options: Any) -> Any:
        client = self._bucket.client
        return client.list_blobs(self._bucket, prefix=self._prefix, retry=_RETRY, **options)

    def _entry(self, blob: storage.Blob) -> Entry:
        name = check_name(blob.name.removeprefix(self._prefix))
        return Entry(name, blob.size, f"crc32c:{blob.crc32c}", blob.generation)

    def _blob(self, name: str, generation: int | None = None) -> storage.Blob:
        return self._bucket.blob(self._prefix + check_name(name), generation=generation)

    def _fetch_whole(self, copies: dict[Entry, Path]) -> None:
        """Downloads entries; those that arrive damaged, again."""
        wanted = list(copies)
        for _ in range(_TRIES):
            try:
                self._fetch(wanted, copies)
            except exceptions.NotFound as error:
                raise UserError(
                    f"{self.uri} has changed since it was listed; run again."
                ) from error
            whole = _in_parallel(lambda entry: _is_whole(copies[entry], entry), wanted)
            wanted = [entry for entry, good in zip(wanted, whole, strict=True) if not good]
            if not wanted:
                return
        raise _damaged(f"{self.uri}/{wanted[0].name}")

    def _finish(self, entry: Entry, copy: Path, target: Path, sha256: Mapping[str, str]) -> None:
        check_sha256(copy, f"{self.uri}/{entry.name}", sha256.get(entry.name))
        finish(copy, target / entry.name)

    def _fetch(self, entries: list[Entry], copies: dict[Entry, Path]) -> None:
        options = {"raw_download": True, "single_shot_download": True, "retry": _RETRY}
        small = [entry for entry in entries if entry.size <= _PIECE]
        transfer_manager.download_many(
            [(self._blob(entry.name, entry.generation), str(copies[entry])) for entry in small],
            download_kwargs={**options, "checksum": None},  # _is_whole checks what is on the disk
            raise_exception=True,
            **_THREADS,
        )
        for entry in set(entries).difference(small):
            transfer_manager.download_chunks_concurrently(
                self._blob(entry.name, entry.generation),
                str(copies[entry]),
                chunk_size=_PIECE,
                download_kwargs=options,
                crc32c_checksum=False,
                **_THREADS,
            )

    def _put(self, source: Path, names: list[str]) -> None:
        """Creates objects that are not there, and makes sure that all are as they should be."""
        present = {entry.name for entry in self.entries()}
        missing = [name for name in names if name not in present]
        batches = _batches(missing, lambda name: (source / name).stat().st_size)
        for batch in _with_progress(batches, self.uri):
            transfer_manager.upload_many(
                [(str(source / name), self._blob(name)) for name in batch],
                skip_if_exists=True,  # if_generation_match=0: a repetition changes nothing
                upload_kwargs={"checksum": "crc32c", "retry": _RETRY},
                raise_exception=True,
                **_THREADS,
            )
        stored = {entry.name: entry for entry in self.entries()}
        for name in names:
            if name not in stored or not _is_whole(source / name, stored[name]):
                raise already_there(f"{self.uri}/{name}")


def _is_whole(path: Path, entry: Entry) -> bool:
    checksum = google_crc32c.Checksum()
    with path.open("rb") as file:
        while block := file.read(2**20):
            checksum.update(block)
    return entry.digest == f"crc32c:{_encode(checksum.digest())}"


def _crc32c(data: bytes) -> str:
    return _encode(google_crc32c.Checksum(data).digest())


def _encode(digest: bytes) -> str:
    return base64.b64encode(digest).decode()


def _in_parallel(work: Callable[[T], R], items: Iterable[T]) -> list[R]:
    with ThreadPoolExecutor(_WORKERS) as pool:
        return list(pool.map(work, items))


def _batches(items: Iterable[T], size: Callable[[T], int]) -> list[list[T]]:
    """Splits items so that each batch is about `_BATCH` bytes: one line of progress each."""
    batches: list[list[T]] = []
    room = 0
    for item in items:
        if room <= 0:
            batches.append([])
            room = _BATCH
        batches[-1].append(item)
        room -= size(item)
    return batches


def _with_progress(batches: list[list[T]], uri: str) -> Iterator[list[T]]:
    total = sum(map(len, batches))
    done = 0
    for batch in batches:
        yield batch
        done += len(batch)
        if len(batches) > 1:
            report(done, total, f"files of {uri}")


def _damaged(uri: str) -> UserError:
    return UserError(f"{uri} arrived damaged {_TRIES} times: check the network and run again.")
