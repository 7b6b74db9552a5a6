"""Fixtures for tests that need Google Cloud Storage."""

import itertools
from collections.abc import Iterator

import pytest
from fault_proxy import FaultProxy
from gcs import BUCKET, Emulator, emulator, reached_at

_numbers = itertools.count()


@pytest.fixture(scope="session")
def gcs_server() -> Iterator[Emulator]:
    """One server for all tests of a process."""
    with emulator() as server:
        yield server


@pytest.fixture(scope="session")
def _running_proxy(gcs_server: Emulator) -> Iterator[FaultProxy]:
    with FaultProxy(gcs_server).running() as running:
        yield running


@pytest.fixture
def proxy(_running_proxy: FaultProxy) -> Iterator[FaultProxy]:
    """A proxy without faults yet; the test's clients go through it."""
    _running_proxy.reset()
    with reached_at(_running_proxy.url):
        yield _running_proxy


@pytest.fixture
def gcs_uri(proxy: FaultProxy) -> str:
    """An empty prefix on the server, behind the proxy."""
    return f"gs://{BUCKET}/{next(_numbers)}"
