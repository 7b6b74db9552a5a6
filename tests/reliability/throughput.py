"""Compares our verified transfers with the library's own, side by side.

500 MB in 200 files through the emulator. "library" is `transfer_manager` as it comes (its
default workers, `download_to_filename` on each file); "ours" adds digests, fsync and rename.
"""

import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from gcs import BUCKET, emulator, reached_at
from google.cloud import storage
from google.cloud.storage import transfer_manager

from components.storage import open_folder

FILES = 200
BYTES = 2_500_000
ROUNDS = 3

Work = Callable[[Path, int], None]


@dataclass(frozen=True)
class Transfer:
    """Seconds for all files: medians of `ROUNDS`."""

    what: str
    library: float
    ours: float


def measure() -> list[Transfer]:
    """Measures upload and download."""
    with tempfile.TemporaryDirectory() as folder, emulator() as server, reached_at(server.url):
        source = Path(folder, "source")
        source.mkdir()
        for number in range(FILES):
            (source / f"{number:03d}").write_bytes(os.urandom(BYTES))
        return [
            _compare("upload", _library_upload, _our_upload, source),
            _compare("download", _library_download, _our_download, source),
        ]


def _compare(what: str, library: Work, ours: Work, source: Path) -> Transfer:
    pairs = [
        (_seconds(library, source, number), _seconds(ours, source, number))
        for number in range(ROUNDS)
    ]
    return Transfer(what, *map(statistics.median, zip(*pairs, strict=True)))


def _seconds(work: Work, source: Path, number: int) -> float:
    start = time.perf_counter()
    work(source, number)
    return time.perf_counter() - start


def _library_upload(source: Path, number: int) -> None:
    bucket = storage.Client(project=None).bucket(BUCKET)
    transfer_manager.upload_many_from_filenames(
        bucket,
        [path.name for path in source.iterdir()],
        str(source),
        f"library{number}/",
        raise_exception=True,
    )


def _our_upload(source: Path, number: int) -> None:
    open_folder(f"gs://{BUCKET}/ours{number}").upload(source)


def _library_download(source: Path, number: int) -> None:
    bucket = storage.Client(project=None).bucket(BUCKET)
    target = source.with_name("library")
    target.mkdir()
    pairs = [
        (bucket.blob(f"ours0/{path.name}"), str(target / path.name)) for path in source.iterdir()
    ]
    transfer_manager.download_many(pairs, raise_exception=True)
    shutil.rmtree(target)


def _our_download(source: Path, number: int) -> None:
    folder = open_folder(f"gs://{BUCKET}/ours0")
    target = source.with_name("ours")
    folder.download(folder.entries(), target)
    shutil.rmtree(target)
