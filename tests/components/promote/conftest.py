import pytest
from candidates import write_candidate

from components.promote.model_store import ModelStore
from components.promote.policy import Policy
from components.promote.promotion import promote


@pytest.fixture(params=["local", "gs"])
def store_uri(request, tmp_path):
    return str(tmp_path / "s") if request.param == "local" else request.getfixturevalue("gcs_uri")


@pytest.fixture
def store(store_uri):
    return ModelStore(store_uri, "digits")


@pytest.fixture
def run(store, tmp_path):
    """Promotes a model of this number that was compared with this champion."""

    def run_(number, champion=None, policy=None, **evaluation):
        folder = tmp_path / f"candidate-{number}-{champion}"
        paths = write_candidate(folder, number, champion=champion, **evaluation)
        return promote(*paths, store, policy or Policy())

    return run_
