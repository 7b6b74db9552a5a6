import json
import math
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

from components.dense_model import load_model
from components.errors import UserError
from components.train.checkpoint import Checkpoint
from components.train.feed import Feed
from components.train.fit import fit
from components.train.model import build_network
from components.train.recipe import Recipe
from components.train.trainer import train

RECIPE = Recipe(
    hidden_units=(16,),
    batch_normalization=True,
    epochs=3,
    batch_size=64,
    schedule="triangular",
    ema_momentum=0.9,
    elastic_alpha=37,
)
TRAIN_SLOWLY = """
import sys, time
from pathlib import Path
from components import progress
from components.train import trainer

progress.report = lambda *_: time.sleep(0.4)
dataset, output = map(Path, sys.argv[1:])
trainer.train(dataset, "fast", {"epochs": 8, "batch_size": 32}, 0,
              output / "model", output / "page.html", str(output))
"""


def new_network():
    return build_network(RECIPE, (28, 28), 10, seed=0)


class InterruptionError(Exception):
    pass


class Interrupting(Checkpoint):
    """Saves once, and dies."""

    def save(self, network, history):
        super().save(network, history)
        raise InterruptionError


@pytest.fixture(params=["local", "gs"])
def uri(request, tmp_path):
    return str(tmp_path / "c") if request.param == "local" else request.getfixturevalue("gcs_uri")


def test_a_continued_training_ends_with_the_same_bits(digits, uri):
    undisturbed = new_network()
    expected = fit(undisturbed, RECIPE, Feed(digits), digits, 0)
    with pytest.raises(InterruptionError):
        interrupting = Interrupting(uri, {})
        fit(new_network(), RECIPE, Feed(digits), digits, 0, interrupting)
    continued = new_network()
    history = fit(continued, RECIPE, Feed(digits), digits, 0, Checkpoint(uri, {}))
    assert [entry["loss"] for entry in history] == [entry["loss"] for entry in expected]
    for one, other in zip(continued.variables, undisturbed.variables, strict=True):
        assert np.array_equal(one, other), one.path


@pytest.mark.parametrize("other", [{"seed": 1}, {"seed": 0, "recipe": {"epochs": 3}}, {}])
def test_a_foreign_checkpoint_is_not_used(tmp_path, other):
    mine = Checkpoint(str(tmp_path), {"seed": 0})
    mine.save(new_network(), [{"epoch": 1}])
    foreign = Checkpoint(str(tmp_path), other)
    assert foreign.restore(new_network()) == []
    (tmp_path / mine.name).rename(tmp_path / foreign.name)
    network = new_network()
    with pytest.raises(UserError, match="another training"):
        foreign.restore(network)
    for one, untouched in zip(network.variables, new_network().variables, strict=True):
        assert np.array_equal(one, untouched)


@pytest.mark.parametrize("damage", ["truncate", "flip", "empty"])
def test_a_damaged_checkpoint_is_not_used_and_written_anew(tmp_path, damage):
    checkpoint = Checkpoint(str(tmp_path), {})
    checkpoint.save(new_network(), [{"epoch": 1}])
    content = bytearray((tmp_path / checkpoint.name).read_bytes())
    content[len(content) // 2] ^= 1
    damaged = {"truncate": content[:-100], "flip": content, "empty": b""}[damage]
    (tmp_path / checkpoint.name).write_bytes(damaged)
    after_a_kill = Checkpoint(str(tmp_path), {})
    assert after_a_kill.restore(new_network()) == []
    after_a_kill.save(new_network(), [{"epoch": 2}])
    assert after_a_kill.restore(new_network()) == [{"epoch": 2}]


def test_two_that_train_the_same_take_turns(tmp_path, monkeypatch):
    monkeypatch.setattr("components.train.checkpoint._SHARE", math.inf)
    one, other = Checkpoint(str(tmp_path), {}), Checkpoint(str(tmp_path), {})
    for epoch in range(4):
        (one if epoch % 2 else other).save(new_network(), [{"epoch": epoch}])
    assert one.restore(new_network()) == [{"epoch": 2}]
    one.save(new_network(), [{"epoch": 4}])
    assert other.restore(new_network()) == [{"epoch": 4}]


def test_saving_is_left_out_where_it_would_take_too_much_of_the_time(tmp_path, monkeypatch):
    monkeypatch.setattr("components.train.checkpoint._SHARE", 1e-9)
    checkpoint = Checkpoint(str(tmp_path), {})
    for epoch in range(3):
        checkpoint.save(new_network(), [{"epoch": epoch}])
    assert checkpoint.restore(new_network()) == [{"epoch": 0}]


def wait_for_checkpoint(folder, process):
    deadline = time.monotonic() + 90
    while not (files := list(folder.glob("*.npz"))):
        assert process.poll() is None and time.monotonic() < deadline, process.stderr.read()
        time.sleep(0.05)
    return files[0]


def test_a_killed_training_continues_to_the_same_model(dataset_dir, tmp_path):
    command = [sys.executable, "-c", TRAIN_SLOWLY, str(dataset_dir), str(tmp_path)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        checkpoint = wait_for_checkpoint(tmp_path, process)
        time.sleep(0.6)
        process.send_signal(signal.SIGKILL)
    assert not (tmp_path / "model").exists()
    with np.load(checkpoint) as file:
        assert 1 <= len(json.loads(file["arr_0"].item())["history"]) < 8

    overrides = {"epochs": 8, "batch_size": 32}
    outputs = tmp_path / "model", tmp_path / "page.html"
    train(dataset_dir, "fast", overrides, 0, *outputs, str(tmp_path))
    train(dataset_dir, "fast", overrides, 0, tmp_path / "undisturbed", tmp_path / "other.html")
    continued, undisturbed = load_model(tmp_path / "model"), load_model(tmp_path / "undisturbed")
    assert not checkpoint.exists()
    for one, other in zip(continued.kernels, undisturbed.kernels, strict=True):
        assert np.array_equal(one, other)
