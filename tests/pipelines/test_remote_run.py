"""The whole pipeline as a process, with its data and its model store in a bucket."""

import json
import subprocess
import sys

import pytest
from synthetic import write_source

from components.data_prep.sources import fingerprint
from components.dense_model import load_model
from components.promote import champion
from components.promote.model_store import ModelStore
from components.storage import open_folder


@pytest.fixture
def finished(gcs_uri, tmp_path):
    """Where data and models are, and what `mnist-pipeline run` said."""
    data, store = f"{gcs_uri}/digits", f"{gcs_uri}/models"
    open_folder(data).upload(write_source(tmp_path / "digits", n_train=600, n_test=200))
    options = ("--set", "epochs=2", "--set", "batch_size=32", "--min-accuracy", "0.5", "--json")
    arguments = ("run", "--data", data, "--store", store, "--name", "digits", *options)
    done = cli(*arguments, "--output", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    return data, store, json.loads(done.stdout)


def cli(*arguments, cwd):
    command = [sys.executable, "-m", "pipelines.cli", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


def test_a_run_from_bucket_to_bucket(finished, tmp_path):
    data, uri, document = finished
    assert document["promotion"]["outcome"] == "promoted"
    assert list(tmp_path.glob("models")) == []

    store = ModelStore(uri, "digits")
    (version,) = store.versions()
    assert (version.version, version.accuracy) == (1, document["accuracy"])
    assert version.dataset_fingerprint == fingerprint(data)
    pointer = champion.current(store)
    assert (pointer.version, pointer.attempt) == (1, version.attempt)
    with store.at_hand(1) as fetched:
        digest = load_model(fetched).digest
        assert (fetched / "saved_model.pb").is_file() and (fetched / "variables").is_dir()
    assert digest == load_model(tmp_path / "out" / "model").digest == version.attempt

    listed = cli("models", "list", "--store", uri, "--name", "digits", cwd=tmp_path)
    assert f"{document['accuracy']:.2%}" in listed.stdout
