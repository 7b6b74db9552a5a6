"""Putting the pipeline on a cluster, over HTTP with KFP's own client."""

import threading

import pytest
import yaml

from components.errors import UserError
from pipelines import cluster
from pipelines.cluster import submit, upload
from pipelines.training import compile_pipeline, version_name


@pytest.fixture(scope="module")
def package():
    from kfp_fixtures import CLUSTER

    from pipelines.cluster_config import load

    return compile_pipeline(load(CLUSTER, {}).pipeline)


@pytest.fixture(autouse=True)
def compiled_once(quick, monkeypatch, package):
    monkeypatch.setattr(cluster, "compile_pipeline", lambda config: package)


def only(table):
    (thing,) = table.values()
    return thing


def test_a_run_has_what_the_config_says(kfp_server, connect, package):
    run_id = submit(connect())
    run, version = only(kfp_server.runs), only(kfp_server.versions)
    assert run["run_id"] == run_id
    assert run["experiment_id"] == only(kfp_server.experiments)["experiment_id"]
    assert (
        run["pipeline_version_reference"]["pipeline_version_id"] == version["pipeline_version_id"]
    )
    assert run["runtime_config"]["pipeline_root"] == "gs://bucket/runs"
    parameters = run["runtime_config"]["parameters"]
    assert (parameters["data"], parameters["store"]) == ("gs://bucket/digits", "gs://bucket/models")
    assert "service_account" not in run
    documents = list(yaml.safe_load_all(package))
    assert version["pipeline_spec"] == {
        "pipeline_spec": documents[0],
        "platform_spec": documents[1:],
    }
    assert version["display_name"] == version_name(package)
    assert only(kfp_server.experiments)["namespace"] == "team"
    assert only(kfp_server.pipelines)["display_name"] == "mnist-training"


def test_a_version_is_uploaded_when_the_pipeline_has_changed(kfp_server, connect, package):
    submit(connect())
    submit(connect(data="gs://other/digits"))  # a parameter, which is not in the graph
    assert len(kfp_server.runs) == 2
    assert len(kfp_server.versions) == len(kfp_server.pipelines) == len(kfp_server.experiments) == 1
    upload(connect(), package + "# changed\n")
    assert len(kfp_server.versions) == 2


def test_old_versions_are_found_on_later_pages(kfp_server, connect, package):
    link = connect()
    versions = [upload(link, package + f"# {number}\n") for number in range(5)]
    again = upload(link, package + "# 0\n")
    assert again.pipeline_version_id == versions[0].pipeline_version_id
    assert len(kfp_server.versions) == 5


CREATING = [
    r"POST /experiments",
    r"POST /pipelines$",
    r"POST /pipelines/upload_version",
    r"POST /runs",
]


@pytest.mark.parametrize("line", CREATING)
@pytest.mark.parametrize("kind", ["cut", "lost", "status"])
def test_nothing_is_done_twice_on_a_bad_day(kfp_server, connect, line, kind):
    kfp_server.fail(kind, line, times=2)
    run_id = submit(connect())
    assert only(kfp_server.runs)["run_id"] == run_id
    for table in (kfp_server.experiments, kfp_server.pipelines, kfp_server.versions):
        assert len(table) == 1


def test_two_that_submit_at_once_share_what_they_make(kfp_server, connect):
    links = [connect() for _ in range(4)]
    threads = [threading.Thread(target=submit, args=(link,)) for link in links]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(kfp_server.runs) == 4
    for table in (kfp_server.experiments, kfp_server.pipelines, kfp_server.versions):
        assert len(table) == 1


def test_reads_are_tried_again(kfp_server, connect):
    kfp_server.fail("status", r"GET /experiments", times=3, status=502)
    kfp_server.fail("cut", r"GET /pipelines")
    run_id = submit(connect())
    assert only(kfp_server.runs)["run_id"] == run_id
    assert not any(fault.times for fault in kfp_server.faults)


def test_a_server_that_stays_out_of_order_is_told(kfp_server, connect):
    kfp_server.fail("status", r"GET", times=1000)
    with pytest.raises(UserError, match=r"refuses \(503\): a bad day"):
        submit(connect(patience=0.2))


def test_a_server_that_is_not_there_is_told(connect):
    with pytest.raises(UserError, match=r"http://127\.0\.0\.1:9 does not answer"):
        submit(connect(patience=0.2, host="http://127.0.0.1:9"))


def test_a_refusal_is_told_at_once(kfp_server, connect):
    kfp_server.fail("status", "POST /runs", times=1000, status=403)
    before = len(kfp_server.requests)
    with pytest.raises(UserError, match=r"refuses \(403\)"):
        submit(connect())
    assert sum(line == "POST /runs" for line in kfp_server.requests[before:]) == 1


def test_a_login_page_is_recognised(kfp_server, connect):
    kfp_server.fail("page", "GET /pipelines", times=1000)
    with pytest.raises(UserError, match="web page"):
        submit(connect())


def test_the_service_account_and_what_flags_say_reach_the_run(kfp_server, connect):
    submit(connect(service_account="trainer", experiment="mine"))
    assert only(kfp_server.runs)["service_account"] == "trainer"
    assert only(kfp_server.experiments)["display_name"] == "mine"
    assert only(kfp_server.pipelines)["display_name"] == "mine"
