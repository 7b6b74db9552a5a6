"""The command line as a process: real digits, real KFP, every step a process of its own."""

import importlib.util
import json
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from synthetic import write_source

from components.dense_model import load_model
from pipelines.cli import main
from pipelines.config import STEPS
from pipelines.run_folder import claimed


def cli(*arguments, cwd):
    command = [sys.executable, "-m", "pipelines.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=300)


def run(folder, output, *arguments, data="digits"):
    """Runs the pipeline with --json; returns the process and its document."""
    options = [
        "--set",
        "epochs=2",
        "--set",
        "batch_size=32",
        "--seed",
        "3",
        "--min-accuracy",
        "0.5",
        "--json",
    ]
    done = cli("run", "--data", data, "--output", output, *options, *arguments, cwd=folder)
    return done, json.loads(done.stdout)


NEEDS_CHAMPION = ("visualize-dataset", "evaluate-model")


def states(document):
    return {step["name"]: step["state"] for step in document["steps"]}


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """A folder with a source and one finished run of it, in `first`."""
    folder = tmp_path_factory.mktemp("cli")
    write_source(folder / "digits", n_train=600, n_test=200)
    done, document = run(folder, "first")
    assert done.returncode == 0, done.stderr
    return folder, document


def test_a_run_says_where_everything_is(finished):
    folder, document = finished
    assert document["status"] == "succeeded"
    assert [step["name"] for step in document["steps"]] == list(STEPS)
    assert set(states(document).values()) == {"succeeded"}
    assert document["output"] == str(folder / "first")
    evaluation = json.loads((folder / "first" / "evaluation.json").read_text())
    assert evaluation["num_test_images"] == 200
    assert evaluation["accuracy"] == document["accuracy"] > 0.5
    assert (folder / "first" / "model" / "model.json").is_file()
    for page in document["pages"].values():
        assert Path(page).read_text().lower().startswith("<!doctype html>")
    assert set(document["pages"]) == {"run", "data", "training", "evaluation"}
    assert json.loads((folder / "first" / "run.json").read_text()) == document
    assert "epoch" in (folder / "first" / "kfp.log").read_text()


def test_the_first_model_becomes_champion_of_the_store_in_the_working_directory(finished):
    folder, document = finished
    promotion = document["promotion"]
    assert promotion.keys() >= {"outcome", "version", "champion", "reason"}
    assert (promotion["outcome"], promotion["version"], promotion["champion"]) == ("promoted", 1, 1)
    store = folder / "models" / "mnist"
    assert json.loads((store / "champion.json").read_text())["version"] == 1
    assert (store / "1" / "saved_model.pb").is_file()


def test_a_second_run_compares_with_the_champion_and_a_third_reuses_that(finished):
    folder, document = finished
    done, again = run(folder, "again")
    assert done.returncode == 0
    reused = {"prepare-dataset": "cached", "train-model": "cached"}
    assert states(again) == dict.fromkeys(STEPS, "succeeded") | reused
    assert again["accuracy"] == document["accuracy"]
    assert (folder / "again" / "model" / "model.weights.h5").is_file()
    evaluation = json.loads((folder / "again" / "evaluation.json").read_text())
    assert (evaluation["champion"]["version"], evaluation["champion"]["difference"]) == (1, 0)
    assert again["promotion"] == document["promotion"] | {"repeated": True}

    _, third = run(folder, "third")
    assert states(third) == states(again) | dict.fromkeys(NEEDS_CHAMPION, "cached")
    assert third["promotion"] == again["promotion"]


def test_a_deleted_run_is_not_reused_and_a_seed_gives_the_same_model(finished):
    folder, document = finished
    shutil.copytree(folder / "digits", folder / "elsewhere" / "digits")
    first, one = run(folder / "elsewhere", "one", data=folder / "digits")
    assert states(one)["train-model"] == "succeeded", first.stderr
    assert one["accuracy"] == document["accuracy"]
    assert one["loss"] == document["loss"]
    shutil.rmtree(folder / "elsewhere" / "one")
    _, two = run(folder / "elsewhere", "two", data=folder / "digits")
    assert set(states(two).values()) == {"succeeded"}
    assert two["promotion"]["version"] == 2  # trained anew, so another model


def test_changed_data_runs_again_and_bad_data_is_explained(finished):
    folder, _ = finished
    write_source(folder / "digits2", n_train=600, n_test=200)
    labels = folder / "digits2" / "t10k-labels-idx1-ubyte.gz"
    labels.write_bytes(labels.read_bytes()[:-20])
    done, document = run(folder, "broken", data="digits2")
    assert done.returncode == 1
    assert document["status"] == "failed"
    assert states(document)["prepare-dataset"] == "failed"
    assert states(document)["train-model"] == "skipped"
    assert "t10k-labels-idx1-ubyte.gz" in document["error"]
    assert "Traceback" not in done.stderr
    assert not (folder / "broken" / "model").exists()


def test_a_run_that_fails_in_training_leaves_the_page_of_its_data(finished):
    folder, _ = finished
    write_source(folder / "digits3", n_train=600, n_test=200, seed=1)
    done, document = run(folder, "failed", "--set", "batch_size=5000", data="digits3")
    assert done.returncode == 1
    assert states(document)["train-model"] == "failed"
    assert set(document["pages"]) == {"run", "data"}
    for page in document["pages"].values():
        assert Path(page).is_file()
        assert page in done.stderr.replace("\n", "")
    assert (folder / "failed" / "drift.json").is_file()
    assert json.loads((folder / "failed" / "run.json").read_text()) == document

    _, again = run(folder, "failed-too", "--set", "batch_size=5001", data="digits3")
    assert states(again)["visualize-dataset"] == "cached"
    assert set(again["pages"]) == {"run", "data"}
    assert again["warnings"] == document["warnings"]
    page = folder / "failed-too" / "data.html"
    assert page.read_text() == (folder / "failed" / "data.html").read_text()


def test_a_run_that_is_stopped_says_so(finished):
    folder, _ = finished
    command = [sys.executable, "-m", "pipelines.cli", "run", "--data", "digits"]
    command += ["--output", "stopped", "--set", "epochs=100000", "--set", "batch_size=32"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, cwd=folder, env=environment, **pipes) as process:
        while "epoch 1" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        shown, _ = process.communicate(timeout=60)
    assert process.returncode == 1
    assert "The run was stopped." in shown
    assert str(folder / "stopped" / "index.html") in shown
    document = json.loads((folder / "stopped" / "run.json").read_text())
    assert document["error"] == "The run was stopped."
    (training,) = (step for step in document["steps"] if step["name"] == "train-model")
    assert training["state"] == "failed" and training["seconds"] > 0
    assert "The run was stopped." in (folder / "stopped" / "index.html").read_text()


def test_a_refused_run_opens_no_page_of_another(finished, monkeypatch):
    folder, _ = finished
    opened = []
    monkeypatch.setattr("click.launch", opened.append)
    monkeypatch.chdir(folder)
    arguments = ["run", "--output", "first", "--open", "--set", "colour=red"]
    assert CliRunner().invoke(main, arguments).exit_code == 1
    assert opened == []


@pytest.mark.parametrize(
    ("options", "part"),
    [
        (["--recipe", "slow"], "slow"),
        (["--set", "epochs=0"], "epochs"),
        (["--set", "learning_rate=-1"], "learning_rate"),
        (["--set", "colour=red"], "batch_size"),  # the known keys are listed
        (["--set", "epochs"], "key=value"),
        (["--min-accuracy", "98"], "min_accuracy"),
        (["--significance", "0"], "significance"),
        (["--name", "../x"], "../x"),
        (["--store", "s3://bucket"], "s3://bucket"),
        (["--seed", "-1"], "seed"),
        (["--seed", "4294967296"], "4294967295"),
    ],
)
def test_a_wrong_setting_is_refused_before_anything_runs(tmp_path, options, part):
    done = cli("run", "--output", "out", "--json", *options, cwd=tmp_path)
    document = json.loads(done.stdout)
    assert done.returncode == 1
    assert part in document["error"]
    assert "Traceback" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_folder_with_other_files_is_not_touched(tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    done = cli("run", "--output", tmp_path, "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


@pytest.mark.parametrize(("backend", "part"), [("torch", "tensorflow or jax"), ("jax", "pip")])
def test_a_backend_that_is_not_there_is_refused_at_once(tmp_path, monkeypatch, backend, part):
    if backend == "jax" and importlib.util.find_spec("jax"):
        pytest.skip("JAX is installed here")
    monkeypatch.setenv("KERAS_BACKEND", backend)
    done = cli("run", "--output", "out", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert part in json.loads(done.stdout)["error"]
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_another_run_uses_is_refused(tmp_path):
    with claimed(tmp_path / "out"):
        done = cli("run", "--output", "out", "--json", cwd=tmp_path)
    assert done.returncode == 1
    assert "Another run is using" in json.loads(done.stdout)["error"]
    assert "Everything that was printed" not in done.stderr


def test_help_teaches_and_imports_nothing_heavy(tmp_path):
    code = (
        "import sys\n"
        "from pipelines.cli import main\n"
        "try:\n    main(['run', '--help'])\n"
        "finally:\n"
        "    heavy = {'tensorflow', 'keras', 'kfp', 'numpy', 'matplotlib'} & set(sys.modules)\n"
        "    assert not heavy, heavy\n"
    )
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "--recipe" in done.stdout and "Examples:" in done.stdout


def test_the_champion_classifies_a_picture_as_the_exported_model_does(finished):
    folder, _ = finished
    images = np.load(next(folder.glob("first/steps/**/test/images.npy")))
    np.save(folder / "digit.npy", images[0].reshape(28, 28))
    done = cli("predict", "digit.npy", "--json", cwd=folder)
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    model = load_model(folder / "first" / "model")
    expected = model.probabilities(images[:1])[0]
    (row,) = document["predictions"]
    assert document["version"] == 1
    assert row["class"] == model.class_names[expected.argmax()]
    assert row["probability"] == pytest.approx(expected.max())


def test_a_version_is_listed_and_shown_with_its_card(finished):
    folder, document = finished
    listed = cli("models", "list", cwd=folder)
    assert f"{document['accuracy']:.2%}" in listed.stdout
    assert "champion" in listed.stdout.splitlines()[1]
    assert "mnist, version 1" in cli("models", "show", "1", cwd=folder).stdout


def test_a_damaged_champion_is_refused(finished, tmp_path):
    folder, _ = finished
    shutil.copytree(folder / "models", tmp_path / "models")
    weights = tmp_path / "models" / "mnist" / "1" / "model.weights.h5"
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    done = cli("predict", folder / "digit.npy", cwd=tmp_path)
    assert done.returncode == 1
    assert "model.weights.h5" in done.stderr
    assert "Traceback" not in done.stderr
