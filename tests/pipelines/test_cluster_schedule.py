"""Schedules over HTTP: what is there becomes what should be there, whatever goes wrong."""

import pytest

from components.errors import UserError
from pipelines import schedule
from pipelines.cluster import upload
from pipelines.schedule import Schedule

pytestmark = pytest.mark.usefixtures("quick")

PACKAGE = "pipelineInfo: {name: mnist-training}\n"
OLD, NEW = "0 0 3 * * *", "0 0 4 * * *"


def apply(connection, cron=OLD, latest=False, package=PACKAGE, name="nightly"):
    """Applies, and returns what there was to do."""
    wanted = Schedule(name, cron, latest)
    todo = schedule.plan(connection, wanted, package)
    schedule.carry_out(connection, wanted, package, todo)
    return str(todo)


def only(table):
    (thing,) = table.values()
    return thing


def enabled(server):
    return [run for run in server.recurring.values() if run["mode"] == "ENABLE"]


def test_a_new_schedule_is_created_and_then_left_alone(kfp_server, connect):
    link = connect()
    todo = apply(link)
    assert todo == "upload this version of the pipeline, create the schedule"
    run = only(kfp_server.recurring)
    assert run["trigger"] == {"cron_schedule": {"cron": OLD}}
    assert (run["mode"], run["max_concurrency"], run["no_catchup"]) == ("ENABLE", "1", True)
    version = only(kfp_server.versions)["pipeline_version_id"]
    assert run["pipeline_version_reference"]["pipeline_version_id"] == version
    assert run["runtime_config"]["parameters"]["data"] == "gs://bucket/digits"
    before = len(kfp_server.requests)
    assert apply(link) == ""
    assert all(line.startswith("GET") for line in kfp_server.requests[before:])


@pytest.mark.parametrize(
    ("flags", "cron", "latest"),
    [
        ({}, NEW, False),
        ({}, OLD, True),
        ({"data": "gs://other/digits"}, OLD, False),
        ({"pipeline_root": "gs://other/runs"}, OLD, False),
        ({"service_account": "trainer"}, OLD, False),
    ],
)
def test_what_differs_is_replaced(kfp_server, connect, flags, cron, latest):
    apply(connect())
    first = only(kfp_server.recurring)["recurring_run_id"]
    assert apply(connect(**flags), cron, latest) == "replace the schedule"
    run = only(kfp_server.recurring)
    assert run["recurring_run_id"] != first
    assert run["mode"] == "ENABLE"
    assert kfp_server.most_enabled == 1
    assert apply(connect(**flags), cron, latest) == ""


def test_one_that_was_made_elsewhere_is_replaced(kfp_server, connect):
    apply(connect())
    only(kfp_server.recurring)["description"] = "every night"
    assert apply(connect()) == "replace the schedule"
    assert apply(connect()) == ""


def test_a_plan_changes_nothing(kfp_server, connect):
    link = connect()
    assert str(schedule.plan(link, Schedule("nightly", OLD, False), PACKAGE))
    assert not kfp_server.recurring
    assert not kfp_server.pipelines
    assert all(line.startswith("GET") for line in kfp_server.requests)


def test_pinned_schedules_are_replaced_with_the_pipeline(kfp_server, connect):
    link = connect()
    apply(link)
    todo = apply(link, package=PACKAGE + "# changed\n")
    assert todo == "upload this version of the pipeline, replace the schedule"
    reference = only(kfp_server.recurring)["pipeline_version_reference"]
    assert reference["pipeline_version_id"] == max(kfp_server.versions)


def test_a_schedule_that_follows_the_newest_version_stays(kfp_server, connect):
    link = connect()
    apply(link, latest=True)
    run = only(kfp_server.recurring)
    assert "pipeline_version_id" not in run["pipeline_version_reference"]
    changed = PACKAGE + "# changed\n"
    assert apply(link, latest=True, package=changed) == "upload this version of the pipeline"
    assert only(kfp_server.recurring) == run
    with pytest.raises(UserError, match="--always-latest runs"):
        apply(link, latest=True)  # the older version
    assert apply(link, latest=True, package=changed) == ""


def test_duplicates_are_deleted_and_others_are_not(kfp_server, connect):
    link = connect()
    apply(link)
    first = only(kfp_server.recurring)
    for name in ("Nightly", "weekly", "nightly", "nightly"):
        kfp_server.new(kfp_server.recurring, "recurring_run_id", first | {"display_name": name})
    assert apply(link) == "delete 2 more of the same name"
    names = sorted(run["display_name"] for run in kfp_server.recurring.values())
    assert names == ["Nightly", "nightly", "weekly"]


def test_one_that_someone_has_disabled_is_enabled(kfp_server, connect):
    apply(connect())
    only(kfp_server.recurring)["mode"] = "DISABLE"
    assert apply(connect()) == "enable the schedule"
    assert only(kfp_server.recurring)["mode"] == "ENABLE"


CHANGES = [
    "POST /pipelines/upload_version",
    "POST /recurringruns$",
    "DELETE /recurringruns",
    "POST /recurringruns/.*:enable",
]


@pytest.mark.parametrize("line", CHANGES)
@pytest.mark.parametrize("kind", ["cut", "lost", "status"])
def test_an_interruption_is_mended_by_applying_again(kfp_server, connect, line, kind):
    apply(connect())
    changed = PACKAGE + "# changed\n"
    kfp_server.fail(kind, line, times=10_000, status=400)
    done = kind == "lost" and "enable" not in line  # it looks whether the change was made
    if done:
        apply(connect(patience=0.1), NEW, package=changed)
    else:
        with pytest.raises(UserError):
            apply(connect(patience=0.1), NEW, package=changed)
    assert kfp_server.most_enabled == 1
    kfp_server.faults.clear()
    apply(connect(), NEW, package=changed)
    (run,) = enabled(kfp_server)
    assert only(kfp_server.recurring) == run
    assert run["trigger"]["cron_schedule"]["cron"] == NEW
    assert kfp_server.most_enabled == 1
    assert len(kfp_server.versions) == 2
    assert apply(connect(), NEW, package=changed) == ""


@pytest.mark.parametrize("line", CHANGES)
@pytest.mark.parametrize("kind", ["cut", "lost", "status"])
def test_a_bad_moment_needs_no_second_try(kfp_server, connect, line, kind):
    apply(connect())
    kfp_server.fail(kind, line)
    apply(connect(), NEW, package=PACKAGE + "# changed\n")
    assert only(kfp_server.recurring)["mode"] == "ENABLE"
    assert kfp_server.most_enabled == 1


def test_schedules_are_listed_with_their_last_runs(kfp_server, connect):
    link = connect()
    assert schedule.listing(link) == []
    names = [f"s{number}" for number in range(5)]
    for name in names:
        apply(link, name=name)
    first, second, *_ = kfp_server.recurring
    experiment = only(kfp_server.experiments)["experiment_id"]
    for identity, state in ((first, "FAILED"), (first, "SUCCEEDED"), (second, "FAILED"), ("", "")):
        body = {"experiment_id": experiment, "state": state or "RUNNING", "display_name": "r"}
        run = body | ({"recurring_run_id": identity} if identity else {})
        kfp_server.new(kfp_server.runs, "run_id", run)
    rows = schedule.listing(link)
    assert [run.display_name for run, _ in rows] == names
    assert [last and last.state for _, last in rows] == ["SUCCEEDED", "FAILED", None, None, None]


def test_a_schedule_is_deleted_with_all_its_copies(kfp_server, connect):
    link = connect()
    apply(link)
    kfp_server.new(kfp_server.recurring, "recurring_run_id", only(kfp_server.recurring))
    kfp_server.fail("lost", "DELETE")
    schedule.delete(link, "nightly")
    assert not kfp_server.recurring
    with pytest.raises(UserError, match="no schedule 'nightly'"):
        schedule.delete(link, "nightly")


def test_a_run_is_triggered_as_the_schedule_has_it(kfp_server, connect):
    apply(connect())
    upload(connect(), PACKAGE + "# newer\n")
    run_id = schedule.trigger(connect(data="gs://other/digits"), "nightly")
    run, recurring = kfp_server.runs[run_id], only(kfp_server.recurring)
    for key in ("pipeline_version_reference", "runtime_config", "service_account"):
        assert run[key] == recurring[key]
    with pytest.raises(UserError, match="no schedule 'weekly'"):
        schedule.trigger(connect(), "weekly")
