"""Tries each fault a few times in `make test`, and many times in `make reliability`."""

import pytest
from candidates import write_candidate
from faults import TRIES

from components.promote.model_store import ModelStore
from components.promote.policy import Policy
from components.promote.promotion import promote


def pytest_configure(config):
    config.addinivalue_line("markers", "fault(title, right): what is tried, and what must follow")


def pytest_generate_tests(metafunc):
    if "number" in metafunc.fixturenames:
        metafunc.parametrize("number", range(TRIES))


@pytest.fixture(autouse=True)
def _described(request, record_property):
    """Says in the test's report what was tried, for the table."""
    title, right = request.node.get_closest_marker("fault").args
    place = request.node.callspec.params.get("place")
    record_property("fault", title.format(**request.node.callspec.params))
    record_property("right", right)
    record_property("place", place or ("gs://" if "proxy" in request.fixturenames else "folder"))


@pytest.fixture(autouse=True)
def _soon(monkeypatch):
    """Retries come soon, in this process and in its children."""
    from components import gcs

    monkeypatch.setattr(gcs, "_RETRY", gcs._RETRY.with_delay(initial=0.01, maximum=0.05))


@pytest.fixture(params=["folder", "gs://"])
def place(request):
    return request.param


@pytest.fixture
def uri(place, request, tmp_path):
    """An empty place for a store."""
    return str(tmp_path / "store") if place == "folder" else request.getfixturevalue("gcs_uri")


@pytest.fixture
def store(uri):
    return ModelStore(uri, "digits")


@pytest.fixture
def candidate(tmp_path):
    """Writes a model of this number that was compared with this champion; returns the paths."""

    def candidate_(number, champion=None, **options):
        folder = tmp_path / f"candidate-{number}-{champion}"
        return write_candidate(folder, number, champion=champion, **options)

    return candidate_


@pytest.fixture
def run(store, candidate):
    """Promotes such a model."""
    return lambda *args, **options: promote(*candidate(*args, **options), store, Policy())
