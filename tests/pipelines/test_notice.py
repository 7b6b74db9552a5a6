"""The graph with its exit handler, run by KFP's local runner."""

import re

import pytest
from kfp import local
from synthetic import write_source

from components.notify import WEBHOOK
from pipelines.config import PipelineConfig, Secret
from pipelines.training import training_pipeline

CONFIG = PipelineConfig(
    webhook=Secret("slack", "url", WEBHOOK), runs="https://kubeflow.example/runs/"
)


@pytest.fixture
def run(tmp_path, monkeypatch):
    """Runs the pipeline; returns what the webhook would have been told."""
    monkeypatch.delenv(WEBHOOK, raising=False)

    def run(data):
        root = tmp_path / "root"
        local.init(
            local.SubprocessRunner(use_venv=False), pipeline_root=str(root), raise_on_error=False
        )
        training_pipeline(CONFIG)(
            data=str(data),
            overrides={"epochs": 2, "batch_size": 32},
            validation_size=60,
            store=str(tmp_path / "models"),
            min_accuracy=0.1,
        )
        (notice,) = root.rglob("notify/notice")
        return notice.read_text()

    return run


def test_a_run_ends_with_its_figures(run, tmp_path):
    told = run(write_source(tmp_path / "digits"))
    assert "Training succeeded; test accuracy" in told
    assert "promoted as version 1: the first champion" in told
    assert re.search(r"<https://kubeflow.example/runs/[\w-]+\|Open the run>", told)


def test_a_run_that_fails_is_told_too(run, tmp_path):
    assert "Training failed" in run(tmp_path / "nothing")
