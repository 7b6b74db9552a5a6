"""Fixtures for tests that need a Kubeflow Pipelines server."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from kfp_state import KfpServer

CLUSTER = Path(__file__).parents[1] / "pipelines" / "golden" / "cluster.toml"


@pytest.fixture
def kfp_server(monkeypatch: pytest.MonkeyPatch) -> Iterator["KfpServer"]:
    """An empty server, and an environment that says nothing about logging in."""
    from kfp_server import running  # takes a second, which most tests need not

    for name in ("MNIST_PIPELINE_TOKEN", "MNIST_PIPELINE_COOKIES"):
        monkeypatch.delenv(name, raising=False)
    with running() as server:
        yield server


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pauses between tries, and next to none between looks at a run."""
    from pipelines import connection, follow

    monkeypatch.setattr(connection, "_FIRST_PAUSE", 0.01)
    monkeypatch.setattr(follow, "INTERVAL", 0.01)


@pytest.fixture
def connect(kfp_server: "KfpServer", tmp_path: Path) -> Callable[..., Any]:
    """Connects to the server, with keys of cluster.toml as the test wants them."""
    from pipelines.cluster_config import load
    from pipelines.connection import Connection

    def connect(patience: float = 5.0, text: str = "", **flags: Any) -> Connection:
        path = tmp_path / "cluster.toml"
        path.write_text(CLUSTER.read_text() + text)
        return Connection(load(path, {"host": kfp_server.url, **flags}), patience)

    return connect
