"""The cluster's command line: what it prints, and its exit status."""

import json
import os
import signal
import subprocess
import sys

import pytest
import yaml
from click.testing import CliRunner
from kfp_fixtures import CLUSTER
from kfp_state import Frame

from components.storage import open_folder
from pipelines.cli import main
from pipelines.config import STEPS
from pipelines.training import version_name

pytestmark = pytest.mark.usefixtures("quick")

RUNNING = Frame("RUNNING", {"snapshot-source": "SUCCEEDED", "train-model": "RUNNING"})
METRICS = {"accuracy": 0.9822, "loss": 0.1638, "macro_f1": 0.9821, "num_test_images": 10000}
PROMOTION = {"outcome": "promoted", "version": 4, "champion": 4, "reason": "it is better"}
NIGHTLY = ("schedule", "apply", "--name", "nightly", "--cron")


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def mnist(kfp_server, folder):
    """Runs a command with a cluster.toml that names the test's server."""
    text = CLUSTER.read_text().replace("https://kubeflow.example", kfp_server.url)
    (folder / "cluster.toml").write_text(text)
    return lambda *arguments: CliRunner().invoke(main, arguments)


def only(table):
    (thing,) = table.values()
    return thing


def test_init_writes_a_file_that_compiles_and_keeps_one_that_is_there(folder):
    assert CliRunner().invoke(main, ["init"]).exit_code == 0
    done = CliRunner().invoke(main, ["compile"])
    assert done.exit_code == 0
    package = (folder / "pipeline.yaml").read_text()
    assert version_name(package) in done.stderr
    images = {
        executor["container"]["image"]
        for executor in yaml.safe_load(package.split("\n---\n")[0])["deploymentSpec"][
            "executors"
        ].values()
    }
    assert all(image.startswith("registry.example/team/") for image in images)
    (folder / "cluster.toml").write_text("mine")
    again = CliRunner().invoke(main, ["init"])
    assert (again.exit_code, (folder / "cluster.toml").read_text()) == (2, "mine")
    assert "already there" in again.stderr


def test_compile_writes_where_it_is_told(mnist):
    assert "/train:v9-cuda" in mnist("compile", "--tag", "v9", "--output", "-").stdout
    done = mnist("compile", "--output", "no/such/folder.yaml")
    assert (done.exit_code, "no/such/folder.yaml" in done.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["submit", "--config", "none.toml"], "mnist-pipeline init"),
        (["submit", "--tag", "latest"], "--tag can't be used"),
        (["submit", "--timeout", "1 day"], "--timeout is '1 day'"),
        (["submit", "--data", "/home/me"], "--data is '/home/me'"),
        ([*NIGHTLY, "0 3 * * *"], "five fields"),
        (["schedule", "apply", "--name", "nightly"], "--cron"),
    ],
)
def test_wrong_usage_is_told_before_anything_is_sent(mnist, kfp_server, arguments, complaint):
    done = mnist(*arguments)
    assert done.exit_code == 2
    assert complaint in done.stderr
    assert not kfp_server.requests


def test_submit_prints_the_link_and_no_more_without_waiting(mnist, kfp_server):
    done = mnist("submit", "--no-wait", "--experiment", "mine", "--seed", "7", "--model", "digits")
    run = only(kfp_server.runs)
    assert (done.exit_code, done.stdout) == (
        0,
        f"{kfp_server.url}/#/runs/details/{run['run_id']}\n",
    )
    assert only(kfp_server.pipelines)["display_name"] == "mine"
    parameters = run["runtime_config"]["parameters"]
    assert (parameters["seed"], parameters["name"]) == (7, "digits")


def write_figures(root, server, step="promote-model", **artifacts):
    """Lets the run that starts next have written these."""

    def store(run):
        folder = open_folder(f"{root}/mnist-training/{run['run_id']}/{step}")
        for name, content in artifacts.items():
            folder.write_if_generation(f"3f1c/{name}", json.dumps(content).encode(), 0)

    server.on_run = store


def test_a_run_that_succeeds_ends_with_the_table_of_a_local_run(mnist, kfp_server, folder, gcs_uri):
    done_steps = dict.fromkeys(STEPS, "SUCCEEDED") | {"prepare-dataset": "CACHED"}
    kfp_server.story = [RUNNING, Frame("SUCCEEDED", done_steps)]
    config = folder / "cluster.toml"
    config.write_text(config.read_text().replace("gs://bucket/runs", gcs_uri))
    promotion = PROMOTION | {"repeated": False}
    write_figures(gcs_uri, kfp_server, metrics=METRICS, promotion=promotion, log="no JSON")
    done = mnist("submit")
    assert done.exit_code == 0
    for part in (
        "▶ train-model",
        "✓ train-model",
        "↺ prepare-dataset",
        "98.22%  (95 % interval 97.94% to 98.46%)",
        "0.1638",
        "0.9821",
        "version 4 from now on: it is better",
    ):
        assert part in done.stdout


def test_without_figures_it_says_where_to_look(mnist, kfp_server, folder, gcs_uri):
    config = folder / "cluster.toml"
    for root in (gcs_uri, "s3://bucket/runs"):
        config.write_text(config.read_text().replace("gs://bucket/runs", root))
        done = mnist("submit")
        assert done.exit_code == 0
        assert f"figures are at {kfp_server.url}/#/runs/details/" in done.stdout


def test_a_run_that_fails_tells_the_step_and_its_log(mnist, kfp_server):
    steps = {"snapshot-source": "SUCCEEDED", "prepare-dataset": "FAILED"}
    kfp_server.story = [Frame("FAILED", steps, error="exit code 1")]
    kfp_server.on_run = lambda run: kfp_server.logs.update(
        {f"mnist-training-{run['run_id']}-system-container-impl-101": "a\nThe file is damaged\n"}
    )
    done = mnist("submit")
    assert done.exit_code == 1
    assert "prepare-dataset failed after 1 min 41 s: exit code 1" in done.stderr
    assert done.stderr.endswith("  The file is damaged\n")


def test_a_run_that_had_nothing_to_do_is_no_failure(mnist, kfp_server):
    kfp_server.story = [Frame("SKIPPED")]
    assert mnist("submit").exit_code == 0


def test_cancelled_and_timed_out_have_their_own_status(mnist, kfp_server):
    kfp_server.story = [RUNNING, Frame("CANCELED", {"train-model": "CANCELED"})]
    assert mnist("submit").exit_code == 3
    kfp_server.story = [RUNNING]
    done = mnist("submit", "--timeout", "0s")
    assert done.exit_code == 4
    assert "goes on: http://" in done.stderr


def test_a_server_that_refuses_ends_submit_and_not_the_run(mnist, kfp_server):
    kfp_server.fail("status", "GET /runs/", times=10, status=403)
    done = mnist("submit")
    assert done.exit_code == 4
    assert "refuses (403)" in done.stderr
    assert "goes on: http://" in done.stderr
    kfp_server.fail("status", "POST /runs", status=403)
    assert mnist("submit").exit_code == 1


def test_a_schedule_from_its_first_day_to_its_last(mnist, kfp_server):
    dry = mnist(*NIGHTLY, "0 0 3 * * *", "--dry-run")
    assert dry.stdout.endswith("create the schedule (dry run)\n")
    assert not kfp_server.recurring
    assert "03:00 (UTC)" in mnist(*NIGHTLY, "0 0 3 * * *").stdout
    assert "nothing to do" in mnist(*NIGHTLY, "0 0 3 * * *").stdout
    assert "replace the schedule" in mnist(*NIGHTLY, "0 0 4 * * *", "--always-latest").stdout
    recurring = only(kfp_server.recurring)
    link = mnist("schedule", "trigger", "nightly").stdout
    run = only(kfp_server.runs)
    assert link == f"{kfp_server.url}/#/runs/details/{run['run_id']}\n"
    run |= {"recurring_run_id": recurring["recurring_run_id"], "state": "FAILED"}
    heading, row = mnist("schedule", "list").stdout.splitlines()
    assert heading.split() == [
        "schedule",
        "cron",
        "enabled",
        "next",
        "run",
        "last",
        "run",
        "result",
    ]
    assert row.startswith("nightly   0 0 4 * * *  yes      ")
    assert row.rstrip().endswith("2026-11-24 03:00  failed")
    assert mnist("schedule", "delete", "nightly").stdout == "nightly: deleted\n"
    assert "no schedule yet" in mnist("schedule", "list").stdout
    for command in ("delete", "trigger"):
        assert mnist("schedule", command, "nightly").exit_code == 1


def test_times_are_in_the_zone_of_the_cluster(mnist, folder):
    config = folder / "cluster.toml"
    config.write_text('timezone = "Asia/Tokyo"\n' + config.read_text())
    assert "03:00 (Asia/Tokyo)" in mnist(*NIGHTLY, "0 0 3 * * *").stdout


def test_ctrl_c_leaves_the_run_going(mnist, kfp_server):
    kfp_server.story = [RUNNING]
    command = [sys.executable, "-m", "pipelines.cli", "submit"]
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    environment = os.environ | {"PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(command, env=environment, **pipes) as process:
        while "▶ train-model" not in process.stdout.readline():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        assert "the run goes on: http://" in process.communicate(timeout=30)[1]
    assert process.returncode == 130
    assert not any("terminate" in line for line in kfp_server.requests)


def test_help_needs_no_kfp():
    code = (
        "import sys\n"
        "from pipelines.cli import main\n"
        "main(sys.argv[1:], standalone_mode=False)\n"
        "assert not {'kfp', 'numpy', 'rich'} & sys.modules.keys()\n"
    )
    for command in (["submit"], ["compile"], ["schedule", "apply"]):
        done = subprocess.run(
            [sys.executable, "-c", code, *command, "--help"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        assert "Examples:" in done.stdout
