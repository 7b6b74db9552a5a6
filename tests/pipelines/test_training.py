"""The compiled graph, against a golden file.

After a change that is meant: ``python tests/pipelines/test_training.py`` writes the file anew.
"""

from itertools import pairwise
from pathlib import Path

import yaml
from kfp import compiler

from components.images import References
from pipelines.config import STEPS, PipelineConfig
from pipelines.training import training_pipeline

GOLDEN = Path(__file__).parent / "golden" / "training.yaml"


def compiled(path):
    compiler.Compiler().compile(training_pipeline(PipelineConfig()), str(path))
    return path.read_text()


def test_the_graph_is_the_golden_one(tmp_path):
    assert compiled(tmp_path / "training.yaml") == GOLDEN.read_text()


def test_only_what_looks_at_the_world_or_acts_on_it_is_never_cached():
    tasks = yaml.safe_load(GOLDEN.read_text())["root"]["dag"]["tasks"]
    assert set(tasks) == set(STEPS)
    cached = {name for name, task in tasks.items() if task["cachingOptions"].get("enableCache")}
    assert cached == set(STEPS) - {"snapshot-source", "promote-model"}


def test_every_step_waits_for_the_one_before():
    """So the run page, and the local runner, may show them one after the other."""
    tasks = yaml.safe_load(GOLDEN.read_text())["root"]["dag"]["tasks"]
    for before, after in pairwise(STEPS):
        assert before in tasks[after]["dependentTasks"]


def test_images_come_from_the_config(tmp_path):
    path = tmp_path / "training.yaml"
    config = PipelineConfig(References("a:1", "b:2", "c:3"))
    compiler.Compiler().compile(training_pipeline(config), str(path))
    executors = yaml.safe_load(path.read_text())["deploymentSpec"]["executors"]
    images = {name: executor["container"]["image"] for name, executor in executors.items()}
    assert images == {
        "exec-snapshot-source": "a:1",
        "exec-prepare-dataset": "a:1",
        "exec-visualize-dataset": "a:1",
        "exec-train-model": "b:2",
        "exec-evaluate-model": "c:3",
        "exec-promote-model": "c:3",
    }


if __name__ == "__main__":
    compiled(GOLDEN)
