"""docs/kubeflow.md: its commands, run in their order against the tests' servers."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from candidates import write_candidate
from gcs import BUCKET

from components.promote.model_store import ModelStore
from components.promote.policy import Policy
from components.promote.promotion import promote
from pipelines.cluster_config import load

PAGE = (Path(__file__).parents[2] / "docs" / "kubeflow.md").read_text()
NEEDS_A_CLUSTER = "# needs a cluster\n"


def blocks(kind):
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def shell(kfp_server, proxy, gcs_uri, tmp_path):
    """Runs a block in a folder, with the buckets of the page behind a prefix of their own."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"

    def shell(block):
        block = block.replace(f"gs://{BUCKET}", gcs_uri)
        command = ["bash", "-euo", "pipefail", "-c", block]
        environment = os.environ | {"PATH": path}
        done = subprocess.run(
            command, cwd=tmp_path, env=environment, capture_output=True, text=True
        )
        assert done.returncode == 0, block + done.stdout + done.stderr
        return done.stdout

    return shell


def test_every_command_that_needs_no_cluster_works(
    shell, kfp_server, gcs_uri, tmp_path, monkeypatch
):
    store = ModelStore(f"{gcs_uri}/models", "mnist")
    promote(*write_candidate(tmp_path / "one", 1), store, Policy())
    promote(*write_candidate(tmp_path / "two", 2, champion=1), store, Policy())
    (config,) = blocks("toml")
    here = {"https://kubeflow.example": kfp_server.url, f"gs://{BUCKET}": gcs_uri}
    printed = []
    for block in blocks("sh"):
        if block.startswith(NEEDS_A_CLUSTER):
            assert "mnist-pipeline" not in re.sub(r"mnist-pipeline@|create mnist-pip\S+", "", block)
            continue
        printed.append(shell(block))
        if "mnist-pipeline init" in block:
            for old, new in here.items():
                config = config.replace(old, new)
            (tmp_path / "cluster.toml").write_text(config)
    assert len(printed) == 7
    assert len(kfp_server.runs) == 3 and not kfp_server.recurring
    assert "Version 1 of" in printed[-1] and "is the champion" in printed[-1]


def test_its_manifest_points_at_the_store_of_its_cluster_toml(tmp_path):
    (tmp_path / "cluster.toml").write_text(blocks("toml")[0])
    config = load(tmp_path / "cluster.toml", {})
    (manifest,) = blocks("yaml")
    assert yaml.safe_load(manifest)["spec"]["predictor"]["storageUris"] == [
        {"uri": f"{config.store}/{config.model}/VERSION", "mountPath": "/mnt/models/VERSION"}
    ]
