"""Following a run over HTTP to whatever end it takes."""

import sys

import pytest
from kfp_server_api import V2beta1Run
from kfp_state import Frame

from components.errors import UserError
from pipelines import cluster, follow

pytestmark = pytest.mark.usefixtures("quick")

SNAPSHOT, PREPARE, TRAIN = "snapshot-source", "prepare-dataset", "train-model"
RUNNING = Frame("RUNNING", {SNAPSHOT: "SUCCEEDED", PREPARE: "CACHED", TRAIN: "RUNNING"})
DONE = Frame("SUCCEEDED", {SNAPSHOT: "SUCCEEDED", PREPARE: "CACHED", TRAIN: "SUCCEEDED"})


class Notes:
    """Writes down what it is told, and does something when a step starts."""

    def __init__(self, on_start=lambda: None):
        self.lines, self.on_start = [], on_start

    def step_started(self, step):
        self.lines.append(f"> {step.name}")
        self.on_start()

    def step_progressed(self, step, progress):
        raise AssertionError("a cluster tells no progress")

    def step_ended(self, step):
        self.lines.append(f"{step.state} {step.name}")


@pytest.fixture
def go(kfp_server, connect):
    """Starts a run on the server, and follows it."""

    def go(notes=None, timeout=30.0, **options):
        link = connect(**options)
        version = cluster.upload(link, "pipelineInfo: {name: mnist-training}\n")
        body = V2beta1Run(
            experiment_id=cluster.experiment_id(link), pipeline_version_reference=version
        )
        run_id = cluster.start(link, "test", body)
        return follow.follow(link, run_id, notes or Notes(), timeout)

    return go


def test_every_step_is_told_once_as_its_state_changes(kfp_server, go):
    first = Frame("RUNNING", {SNAPSHOT: "RUNNING"})
    kfp_server.story = [Frame("PENDING"), first, first, RUNNING, RUNNING, DONE]
    notes = Notes()
    run = go(notes)
    assert (run.state, run.ended, run.failed_step) == ("SUCCEEDED", True, None)
    assert notes.lines == [
        f"> {SNAPSHOT}",
        f"succeeded {SNAPSHOT}",
        f"cached {PREPARE}",
        f"> {TRAIN}",
        f"succeeded {TRAIN}",
    ]


def test_a_failure_comes_with_the_last_lines_of_its_log(kfp_server, go):
    steps = {SNAPSHOT: "SUCCEEDED", TRAIN: "FAILED"}
    kfp_server.story = [RUNNING, Frame("FAILED", steps, error="exit code 1")]
    lines = [f"line {number}" for number in range(100)]
    # The pod of the second step, as Argo names it.
    kfp_server.logs = PodLogs("system-container-impl-101", "\n\n".join(lines))
    run = go()
    assert (run.state, run.failed_step.name, run.error) == ("FAILED", TRAIN, "exit code 1")
    assert run.log == lines[-follow.LAST_LINES :]


class PodLogs(dict):
    """The log of the one pod whose name, which has the run's id in it, ends so."""

    def __init__(self, end, text):
        super().__init__()
        self.end, self.text = end, text

    def __contains__(self, pod):
        return pod.endswith(self.end)

    def __getitem__(self, pod):
        return self.text


def test_a_step_that_could_not_be_prepared_has_failed(kfp_server, go):
    kfp_server.story = [Frame("FAILED", {SNAPSHOT: "SUCCEEDED", TRAIN: "UNPREPARED"})]
    kfp_server.logs = PodLogs("system-container-driver-101", "no such bucket\n")
    run = go()
    assert (run.failed_step.name, run.log) == (TRAIN, ["no such bucket"])


def test_a_failure_whose_log_is_gone_is_told_as_well(kfp_server, go):
    kfp_server.story = [Frame("FAILED", {TRAIN: "FAILED"}, error="out of memory")]
    run = go()
    assert (run.error, run.log) == ("out of memory", [])


def test_a_cancelled_run_has_ended(kfp_server, go):
    kfp_server.story = [RUNNING, Frame("CANCELING"), Frame("CANCELED", {TRAIN: "CANCELED"})]
    notes = Notes()
    run = go(notes)
    assert (run.state, run.ended, run.failed_step) == ("CANCELED", True, None)
    assert notes.lines[-1] == f"skipped {TRAIN}"


def test_the_time_to_wait_ends_and_the_run_does_not(kfp_server, go):
    kfp_server.story = [RUNNING]
    run = go(timeout=0.05)
    assert (run.state, run.ended) == ("RUNNING", False)


@pytest.mark.parametrize("kind", ["cut", "lost", "status"])
def test_a_bad_connection_does_not_lose_the_run(kfp_server, go, kind):
    kfp_server.story = [RUNNING, DONE]
    notes = Notes(lambda: kfp_server.fail(kind, "GET /runs/", times=3))
    assert go(notes).state == "SUCCEEDED"
    assert notes.lines.count(f"> {TRAIN}") == 1


def test_a_token_that_expires_meanwhile_is_renewed(kfp_server, go, tmp_path):
    script, count = tmp_path / "token.py", tmp_path / "count"
    script.write_text(
        "import pathlib\n"
        f"file = pathlib.Path({str(count)!r})\n"
        "number = int(file.read_text()) + 1 if file.exists() else 1\n"
        "file.write_text(str(number))\n"
        "print(f'token-{number}')\n"
    )
    kfp_server.tokens = {"token-1"}
    kfp_server.story = [RUNNING, DONE]
    notes = Notes(lambda: setattr(kfp_server, "tokens", {"token-2"}))
    run = go(notes, login={"token_command": [sys.executable, str(script)]})
    assert run.state == "SUCCEEDED"
    assert count.read_text() == "2"


def test_a_server_that_is_gone_for_good_is_told(kfp_server, go, monkeypatch):
    monkeypatch.setattr(follow, "PATIENCE", 0.1)
    kfp_server.story = [RUNNING]
    with pytest.raises(UserError, match="does not answer"):
        go(Notes(lambda: kfp_server.fail("cut", "GET", times=10_000)))
