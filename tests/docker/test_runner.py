"""The pipeline in its images, on a few hundred digits. ``make images`` builds them."""

import contextlib
import dataclasses
import json
import os
import shutil
from pathlib import Path

import pytest
from docker.client import DockerClient
from google.cloud import storage
from synthetic import write_source

from components import images
from components.errors import UserError
from pipelines import docker, local
from pipelines.config import STEPS

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]


class Recorder:
    """What an observer is told."""

    def __init__(self):
        self.events = []

    def step_started(self, step):
        self.events.append((step.name, "started"))

    def step_progressed(self, step, progress):
        self.events.append((step.name, progress.done, progress.total))

    def step_ended(self, step):
        self.events.append((step.name, step.state))


def run(request):
    recorder = Recorder()
    return local.run(request, recorder), recorder.events


def files(output):
    return sorted(
        path.relative_to(output).as_posix()
        for path in output.rglob("*")
        if "steps" not in path.relative_to(output).parts
    )


def apart(figures):
    """Nested figures without their floats, and the floats, whose last digits may differ."""
    floats = []
    rest = json.dumps(figures)
    rest = json.loads(rest, parse_float=lambda text: floats.append(float(text)))
    return rest, floats


@pytest.fixture(scope="module")
def request_in(tmp_path_factory):
    """Makes a request for a run in Docker, in one folder for all runs."""
    folder = tmp_path_factory.mktemp("runner")
    write_source(folder / "digits", n_train=400, n_test=100)

    def make(output, **changes):
        request = local.RunRequest(
            data=str(folder / "digits"),
            recipe="fast",
            settings=("epochs=2", "batch_size=32"),
            seed=5,
            output=folder / output,
            runner="docker",
            store=str(folder / f"models-{output}"),
            min_accuracy=0.1,
        )
        return dataclasses.replace(request, **changes)

    return make


@pytest.fixture(scope="module")
def finished(engine, request_in):
    """The first run in Docker: its result, and what the observer was told."""
    result, events = run(request_in("docker"))
    assert result.error is None
    return result, events


@pytest.fixture(autouse=True)
def no_container_is_left(engine, request_in):
    yield
    folder = str(request_in("any").output.parent)
    with contextlib.closing(DockerClient.from_env()) as client:
        for container in client.containers.list(all=True, ignore_removed=True):
            sources = [mount.get("Source", "") for mount in container.attrs["Mounts"]]
            assert not [source for source in sources if source.startswith(folder)]


def test_the_images_give_what_subprocesses_give(finished, request_in):
    result, events = finished
    here, events_here = run(request_in("subprocess", runner="subprocess"))
    assert here.error is None
    timed = {"model_digest": ""}  # the model's manifest holds seconds
    (words, sums), (words_here, sums_here) = (
        apart(each.evaluation | timed) for each in (result, here)
    )
    assert words == words_here
    assert sums == pytest.approx(sums_here, rel=1e-5)
    assert result.evaluation["num_test_images"] == 100
    assert events == events_here
    assert files(result.output) == files(here.output)


def test_everything_belongs_to_the_caller(finished):
    owners = {(p.stat().st_uid, p.stat().st_gid) for p in finished[0].output.rglob("*")}
    assert owners == {(os.getuid(), os.getgid())}


def test_a_second_run_reads_what_the_first_one_left(finished, request_in):
    result, _ = run(request_in("again", settings=("epochs=1", "batch_size=32")))
    assert result.error is None
    states = {step.name: step.state for step in result.steps}
    assert states == dict.fromkeys(STEPS, "succeeded") | {"prepare-dataset": "cached"}


def test_the_model_is_published_and_the_next_one_compared_with_it(finished, request_in):
    first = request_in("docker")
    assert (Path(first.store) / "mnist" / "1" / "saved_model.pb").is_file()
    result, _ = run(dataclasses.replace(request_in("next"), seed=6, store=first.store))
    assert result.error is None
    assert result.evaluation["champion"]["version"] == 1
    assert result.promotion["champion"] in (1, 2)


def test_data_and_store_may_be_in_a_bucket(finished, request_in, gcs_server, monkeypatch):
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", gcs_server.url)
    request = request_in("bucket")
    bucket = storage.Client(project=None).bucket("bucket")
    for path in (request.output.parent / "digits").iterdir():
        bucket.blob(f"digits/{path.name}").upload_from_filename(path)
    request = dataclasses.replace(request, data="gs://bucket/digits", store="gs://bucket/models")
    result, _ = run(request)
    assert result.error is None
    assert bucket.blob("models/mnist/champion.json").exists()
    assert result.evaluation["accuracy"] == finished[0].evaluation["accuracy"]


@pytest.fixture
def broken(request_in, monkeypatch):
    """Runs in containers with other options; returns the result, which is a failure."""

    def start(**options):
        monkeypatch.setattr(docker, "access", lambda *arguments: {**access(*arguments), **options})
        request = request_in("broken")
        result, _ = run(request)
        assert [step.state for step in result.steps] == ["failed", *["skipped"] * (len(STEPS) - 1)]
        assert json.loads((request.output / "run.json").read_text())["status"] == "failed"
        assert not (request.output / "model").exists()
        shutil.rmtree(request.output)
        return result.error

    access = docker.access
    return start


@pytest.mark.parametrize(
    ("entrypoint", "part"),
    [
        (["sh", "-c", "echo can not go on; exit 7"], "can not go on"),
        (["sh", "-c", "echo killed myself; kill -9 $$"], "killed myself"),
        (["sh", "-c", "echo no work today"], "no work today"),
        (["/no/such/program"], "/no/such/program"),
    ],
)
def test_a_container_that_dies_at_once_has_failed(broken, entrypoint, part):
    assert part in broken(entrypoint=entrypoint)


def test_a_container_killed_for_memory_has_failed(broken):
    eat = "echo hungry; python3 -c \"b'x' * 10**9\"; exit $?"
    error = broken(entrypoint=["sh", "-c", eat], mem_limit="64m", memswap_limit="64m")
    assert "hungry" in error
    assert "lack of memory" in error


def test_a_step_has_no_network_and_can_not_write_outside(broken):
    probe = "cat /proc/net/dev | wc -l; touch /app/x || true; touch /tmp/x && echo tmp; exit 1"
    error = broken(entrypoint=["sh", "-c", probe])
    assert "3" in error.split()  # two headings and the loopback
    assert "Read-only file system" in error
    assert "tmp" in error.split()


def test_a_missing_image_is_refused_before_anything_runs(request_in, monkeypatch):
    monkeypatch.setattr(images, "TRAIN", "mnist-pipeline/nobody-built-it")
    request = request_in("missing")
    with pytest.raises(UserError, match=r"nobody-built-it.*make images"):
        run(request)
    assert not request.output.exists()


@pytest.mark.skipif(shutil.which("nvidia-smi") is not None, reason="there is a GPU")
def test_gpus_that_are_not_there_are_refused(request_in):
    with pytest.raises(UserError, match="without --gpus"):
        run(request_in("gpus", gpus=True))
