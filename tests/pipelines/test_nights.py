"""Retraining, night after night: data and model store in a bucket, every step a process."""

import pytest
from synthetic import shipped, write_pair, write_source

from components.promote import champion
from components.promote.model_store import ModelStore
from components.storage import open_folder
from pipelines import local
from pipelines.config import STEPS
from pipelines.local import RunRequest

EVERY_NIGHT = {"snapshot-source", "promote-model"}


class Nobody:
    def step_started(self, step): ...

    def step_progressed(self, step, progress): ...

    def step_ended(self, step): ...


@pytest.fixture
def night(gcs_uri, tmp_path):
    """Runs the pipeline on what is in the bucket; returns its result and which steps ran."""

    def night(number):
        request = RunRequest(
            data=f"{gcs_uri}/digits",
            recipe="fast",
            settings=("epochs=6", "batch_size=64", "learning_rate=0.005"),
            seed=0,
            output=tmp_path / "runs" / str(number),
            store=f"{gcs_uri}/models",
            min_accuracy=0.1,
        )
        result = local.run(request, Nobody())
        return result, {step.name for step in result.steps if step.state == "succeeded"}

    return night


@pytest.fixture
def add(gcs_uri, tmp_path):
    """Adds a labelled batch to the bucket."""

    def add(prefix, images, labels):
        folder = tmp_path / prefix
        write_pair(folder, prefix, images, labels)
        open_folder(f"{gcs_uri}/digits").upload(folder)
        return folder

    return add


def test_four_nights(gcs_uri, night, add, tmp_path):
    data, store = open_folder(f"{gcs_uri}/digits"), ModelStore(f"{gcs_uri}/models", "mnist")
    data.upload(write_source(tmp_path / "source", n_train=800, n_test=400))
    images, labels = shipped("train", 6000)

    first, ran = night(0)
    assert ran == set(STEPS)
    assert first.promotion["outcome"] == "promoted" and champion.serving(store) == 1

    # Night 1: the same data. The first time there is a champion to compare with; then nothing.
    again, ran = night("1a")
    assert ran == {*EVERY_NIGHT, "visualize-dataset", "evaluate-model"}
    assert again.promotion == first.promotion | {"repeated": True}
    _, ran = night("1b")
    assert ran == EVERY_NIGHT

    # Night 2: a new batch of digits is picked up, and makes the model better.
    add("new", images[:4000], labels[:4000])
    better, ran = night(2)
    assert ran == set(STEPS)
    assert better.evaluation["accuracy"] > first.evaluation["accuracy"]
    assert better.promotion["outcome"] == "promoted" and champion.serving(store) == 2

    # Night 3: a corrupt batch. The run fails, says which file it is, and the champion stays.
    broken = add("broken", images[4000:5000], labels[4000:4990])
    failed, ran = night(3)
    assert ran == {"snapshot-source"}
    assert "broken-" in failed.error
    assert champion.serving(store) == 2

    # Night 4: the batch is gone; one with wrong labels makes the model worse, and it is kept out.
    for file in broken.iterdir():
        data.remove(file.name)
    add("wrong", images[:4000], (labels[:4000] + 1) % 10)
    worse, ran = night(4)
    assert ran == set(STEPS)
    assert worse.promotion["outcome"] == "kept"
    assert "significantly worse" in worse.promotion["reason"]
    assert champion.serving(store) == 2
    assert [version.version for version in store.versions()] == [1, 2]
