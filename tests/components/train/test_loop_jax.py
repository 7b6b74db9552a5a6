"""The loop on JAX, in a process of its own: Keras chooses its backend once, when imported."""

import os
import subprocess
import sys

import numpy as np
import pytest

from components.dense_model import load_model
from components.train.trainer import train

pytestmark = pytest.mark.jax

# No deformation: its random numbers are each backend's own.
OVERRIDES = {
    "hidden_units": [16],
    "batch_normalization": True,
    "epochs": 3,
    "batch_size": 64,
    "ema_momentum": 0.9,
    "dtype": "float32",
}
TRAIN = """
import sys
from pathlib import Path
from components.train.trainer import train

dataset, output = map(Path, sys.argv[1:])
train(dataset, "fast", {overrides}, 0, output / "model", output / "page.html")
"""


@pytest.fixture(scope="module")
def on_jax(dataset_dir, tmp_path_factory):
    pytest.importorskip("jax", reason="JAX is not installed: make test-jax")
    folder = tmp_path_factory.mktemp("jax")
    code = TRAIN.format(overrides=OVERRIDES)
    command = [sys.executable, "-c", code, str(dataset_dir), str(folder)]
    environment = os.environ | {"KERAS_BACKEND": "jax"}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return folder / "model"


def test_it_trains_the_same_network_as_on_tensorflow(on_jax, dataset_dir, tmp_path):
    figures = train(dataset_dir, "fast", OVERRIDES, 0, tmp_path / "model", tmp_path / "page.html")
    one, other = load_model(on_jax), load_model(tmp_path / "model")
    for mine, theirs in zip(one.kernels + one.biases, other.kernels + other.biases, strict=True):
        assert mine == pytest.approx(theirs, abs=1e-4)
    assert np.ptp(one.kernels[0]) > 0.1
    assert one.manifest["history"][-1]["loss"] == pytest.approx(figures["loss"], abs=1e-5)


def test_it_exports_the_same_files(on_jax):
    manifest = load_model(on_jax).manifest
    assert "jax" in manifest["versions"]
    assert {"model.weights.h5", "saved_model.pb"} < manifest["files"].keys()
