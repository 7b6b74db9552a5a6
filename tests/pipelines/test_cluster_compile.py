"""The graph as it goes to a cluster, against a golden file.

After a change that is meant: ``python tests/pipelines/test_cluster_compile.py`` writes it anew.
"""

from pathlib import Path

import pytest
import yaml

from pipelines.cluster_config import load
from pipelines.config import STEPS
from pipelines.training import compile_pipeline, version_name

FOLDER = Path(__file__).parent / "golden"
GOLDEN = FOLDER / "cluster.yaml"


def compiled(**flags):
    return compile_pipeline(load(FOLDER / "cluster.toml", flags).pipeline)


def tasks(pipeline):
    """The steps, which are inside an exit handler here."""
    return pipeline["components"]["comp-mnist-training"]["dag"]["tasks"]


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
    assert tasks(pipeline).keys() == set(STEPS)
    for name, task in tasks(pipeline).items():
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
    steps = tasks(pipeline).values()
    assert not any(task["cachingOptions"].get("enableCache") for task in steps)


def test_the_notice_comes_whatever_happens_and_waits_for_no_secret(documents):
    pipeline, platform = documents
    notice = pipeline["root"]["dag"]["tasks"]["notify"]
    assert notice["triggerPolicy"]["strategy"] == "ALL_UPSTREAM_TASKS_COMPLETED"
    runs, run_id = (notice["inputs"]["parameters"][name] for name in ("runs", "run_id"))
    assert runs["runtimeValue"]["constant"] == "https://kubeflow.example/#/runs/details/"
    assert run_id["runtimeValue"]["constant"] == "{{$.pipeline_job_uuid}}"
    (secret,) = platform["exec-notify"]["secretAsEnv"]
    assert (secret["secretName"], secret["optional"]) == ("slack", True)


def test_checkpoints_outlive_a_pod_where_artifacts_do():
    assert load(FOLDER / "cluster.toml", {}).parameters["checkpoints"] == (
        "gs://bucket/runs/checkpoints"
    )
    flags = {"pipeline_root": "minio://mlpipeline/v2"}
    assert load(FOLDER / "cluster.toml", flags).parameters["checkpoints"] == ""


if __name__ == "__main__":
    GOLDEN.write_text(compiled())
