"""The schedules of a cluster, which KFP calls recurring runs: made what they should be."""

import hashlib
import json
from dataclasses import dataclass
from itertools import islice
from operator import methodcaller
from typing import Any

import kfp_server_api as api

from components.errors import UserError
from pipelines import cluster
from pipelines.connection import Connection

_KIND = "recurring_runs"
_RUNS_LOOKED_AT = 500


@dataclass(frozen=True)
class Schedule:
    """What a schedule should be; always the latest: it runs the pipeline's newest version."""

    name: str
    cron: str
    always_latest: bool


@dataclass(frozen=True)
class Plan:
    """What there is to do.

    Attributes:
        upload: Whether this version of the pipeline is not on the cluster yet.
        keep: The recurring run that is as it should be, if there is one.
        delete: Those of the same name that are not, or that are too many.
    """

    upload: bool
    keep: Any | None
    delete: list[Any]

    def __str__(self) -> str:
        """Returns what there is to do, for people; empty if there is nothing."""
        parts = ["upload this version of the pipeline"] if self.upload else []
        if self.keep is None:
            parts.append("replace the schedule" if self.delete else "create the schedule")
        elif self.delete:
            parts.append(f"delete {len(self.delete)} more of the same name")
        if self.keep is not None and not is_enabled(self.keep):
            parts.append("enable the schedule")
        return ", ".join(parts)


def plan(connection: Connection, schedule: Schedule, package: str) -> Plan:
    """Compares what should be there with what is on the cluster, and changes nothing.

    Raises:
        UserError: If the schedule is to follow the newest version, and this one is older.
    """
    pipeline = cluster.find(connection, "pipelines")
    version = pipeline and cluster.find_version(connection, pipeline, package)
    there = find(connection, schedule.name)
    # A schedule that follows the newest version stays as it is when a version is added.
    if not pipeline or not (version or schedule.always_latest):
        return Plan(True, None, there)
    if version and schedule.always_latest:
        _require_newest(connection, pipeline, version)
    reference = api.V2beta1PipelineVersionReference(pipeline, version)
    wanted = _wanted(connection, schedule, reference)
    # One that is enabled first; of a replacement cut short, the new one is not enabled yet.
    same = (run for run in there if run.description == wanted.description)
    keep = max(same, key=is_enabled, default=None)
    return Plan(not version, keep, [run for run in there if run is not keep])


def carry_out(connection: Connection, schedule: Schedule, package: str, todo: Plan) -> None:
    """Does what was planned.

    A new schedule is created disabled, the old one deleted, and only then the new one enabled: at
    no moment do two run, and applying again mends what an interruption left.
    """
    keep = todo.keep
    if todo.upload or keep is None:
        version = cluster.upload(connection, package)
        keep = keep or _create(connection, _wanted(connection, schedule, version))
    for old in todo.delete:
        _remove(connection, old)
    if not is_enabled(keep):
        connection.call(methodcaller("enable_recurring_run", keep.recurring_run_id))


def delete(connection: Connection, name: str) -> None:
    """Deletes a schedule.

    Raises:
        UserError: If there is none of the name.
    """
    for run in _required(connection, name):
        _remove(connection, run)


def trigger(connection: Connection, name: str) -> str:
    """Starts a run now, as the schedule would; returns the run's id.

    Raises:
        UserError: If there is no schedule of the name.
    """
    run = max(_required(connection, name), key=is_enabled)
    body = api.V2beta1Run(
        experiment_id=run.experiment_id,
        pipeline_version_reference=run.pipeline_version_reference,
        runtime_config=run.runtime_config,
        service_account=run.service_account,
    )
    return cluster.start(connection, name, body)


def listing(connection: Connection) -> list[tuple[Any, Any | None]]:
    """Returns the experiment's schedules, each with its last run, if it has run lately."""
    experiment = cluster.find(connection, "experiments")
    if experiment is None:
        return []
    schedules = list(connection.listed(_KIND, experiment_id=experiment))
    runs = connection.listed("runs", experiment_id=experiment, sort_by="created_at desc")
    last: dict[str, Any] = {}
    for run in islice(runs, _RUNS_LOOKED_AT):
        last.setdefault(run.recurring_run_id, run)
    return [(schedule, last.get(schedule.recurring_run_id)) for schedule in schedules]


def find(connection: Connection, name: str) -> list[Any]:
    """Returns the recurring runs of this name in the config's experiment."""
    experiment = cluster.find(connection, "experiments")
    if experiment is None:
        return []
    return list(cluster.named(connection, _KIND, name, experiment_id=experiment))


def is_enabled(run: Any) -> bool:
    """Whether a recurring run starts runs."""
    return bool(run.mode == api.RecurringRunMode.ENABLE)


def cron(run: Any) -> str:
    """Returns a recurring run's cron expression; empty if it has none."""
    schedule = run.trigger and run.trigger.cron_schedule
    return (schedule and schedule.cron) or ""


def _required(connection: Connection, name: str) -> list[Any]:
    found = find(connection, name)
    if not found:
        raise UserError(
            f"There is no schedule {name!r} in the experiment {connection.config.experiment!r}; "
            "`mnist-pipeline schedule list` shows those that are there."
        )
    return found


def _remove(connection: Connection, run: Any) -> None:
    """Deletes a recurring run; it is no error that it is gone already."""
    identity = run.recurring_run_id

    def gone() -> object | None:
        there = {other.recurring_run_id for other in find(connection, run.display_name)}
        return None if identity in there else object()

    connection.call(methodcaller("delete_recurring_run", identity), gone)


def _wanted(
    connection: Connection, schedule: Schedule, version: api.V2beta1PipelineVersionReference
) -> api.V2beta1RecurringRun:
    """The recurring run to have; disabled, as it is when it is made.

    A digest of all that it says describes it. KFP can't change what it has, so one with the same
    digest is the same, whatever a server fills in or leaves out.
    """
    pinned = None if schedule.always_latest else version.pipeline_version_id
    body = api.V2beta1RecurringRun(
        display_name=schedule.name,
        trigger=api.V2beta1Trigger(cron_schedule=api.V2beta1CronSchedule(cron=schedule.cron)),
        mode=api.RecurringRunMode.DISABLE,
        max_concurrency="1",
        no_catchup=True,  # or a cluster that was down for a week trains seven times
        pipeline_version_reference=api.V2beta1PipelineVersionReference(version.pipeline_id, pinned),
        runtime_config=cluster.runtime_config(connection),
        service_account=connection.config.service_account or None,
    )
    document = json.dumps(api.ApiClient().sanitize_for_serialization(body), sort_keys=True)
    body.description = f"mnist-pipeline {hashlib.sha256(document.encode()).hexdigest()}"
    return body


def _create(connection: Connection, body: api.V2beta1RecurringRun) -> Any:
    body.experiment_id = cluster.experiment_id(connection)
    return cluster.create(connection, _KIND, body, experiment_id=body.experiment_id)


def _require_newest(connection: Connection, pipeline: str, version: str) -> None:
    newest = next(cluster.newest_versions(connection, pipeline))
    if newest.pipeline_version_id != version:
        raise UserError(
            f"This version of the pipeline is on the cluster, but {newest.display_name} is "
            "newer, and that is what --always-latest runs; use --pin, or delete the newer one."
        )
