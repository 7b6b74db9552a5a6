"""The graph as it goes to a cluster, against a golden file.

After a change that is meant: ``python tests/pipelines/test_cluster_compile.py`` writes it anew.
"""

from pathlib import Path

import pytest
import yaml

from pipelines.cluster_config import load
from pipelines.compile import compile_pipeline, version_name

FOLDER = Path(__file__).parent / "golden"
GOLDEN = FOLDER / "cluster.yaml"


def compiled(**flags):
    return compile_pipeline(load(FOLDER / "cluster.toml", flags).pipeline)


@pytest.fixture(scope="module")
def documents():
    pipeline, platform = yaml.safe_load_all(GOLDEN.read_text())
    return pipeline, platform["platforms"]["kubernetes"]["deploymentSpec"]["executors"]


def test_the_graph_is_the_golden_one():
    assert compiled() == GOLDEN.read_text()


def test_the_version_follows_the_content():
    package = GOLDEN.read_text()
    assert version_name(package) == version_name(compiled(data="gs://other/digits"))
    assert version_name(package) != version_name(compiled(tag="v2"))


def test_training_asks_for_its_gpu_on_a_spot_node(documents):
    pipeline, platform = documents
    container = pipeline["deploymentSpec"]["executors"]["exec-train-model"]["container"]
    assert container["image"] == "registry.example/team/train:v1-cuda"
    resources = container["resources"]
    assert resources["accelerator"]["resourceType"] == "nvidia.com/gpu"
    assert resources["accelerator"]["resourceCount"] == "1"
    assert resources["resourceCpuLimit"] == resources["resourceCpuRequest"] == "4"
    assert resources["resourceMemoryLimit"] == "16Gi"
    pod = platform["exec-train-model"]
    assert pod["tolerations"] == [
        {"key": "cloud.google.com/gke-spot", "operator": "Equal", "value": "true"}
    ]
    assert pod["nodeSelector"] == {"labels": {"cloud.google.com/gke-accelerator": "nvidia-l4"}}
    assert pod["activeDeadlineSeconds"] == "14400"


def test_every_step_is_retried_and_gets_the_secret(documents):
    pipeline, platform = documents
    tasks = pipeline["root"]["dag"]["tasks"]
    for name, task in tasks.items():
        retry = task["retryPolicy"]
        assert (retry["maxRetryCount"], retry["backoffDuration"], retry["backoffFactor"]) == (
            3,
            "30s",
            2.0,
        )
        (secret,) = platform[f"exec-{name}"]["secretAsEnv"]
        assert secret["secretName"] == "gcs"
        assert secret["keyToEnv"] == [{"secretKey": "project", "envVar": "GOOGLE_CLOUD_PROJECT"}]


def test_without_the_cache_every_step_runs():
    (pipeline, _) = yaml.safe_load_all(compiled(cache=False))
    tasks = pipeline["root"]["dag"]["tasks"].values()
    assert not any(task["cachingOptions"].get("enableCache") for task in tasks)


if __name__ == "__main__":
    GOLDEN.write_text(compiled())
