"""Makes what a cluster has of a schedule what it should be, and nothing where it is already."""

from dataclasses import dataclass
from typing import Any

from kfp_server_api import (
    RecurringRunMode,
    V2beta1CronSchedule,
    V2beta1PipelineVersionReference,
    V2beta1RecurringRun,
    V2beta1Trigger,
)

from components.errors import UserError
from pipelines import cluster
from pipelines.connection import Connection
from pipelines.cron import Cron
from pipelines.recurring import is_enabled, named, remove


@dataclass(frozen=True)
class Schedule:
    """What a schedule should be.

    Attributes:
        name: What it is called.
        cron: When it runs.
        always_latest: Whether it runs the pipeline's newest version, not the one it was made for.
    """

    name: str
    cron: Cron
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
        """Returns a sentence for people."""
        parts = ["upload this version of the pipeline"] if self.upload else []
        if self.keep is None:
            parts.append("replace the schedule" if self.delete else "create the schedule")
        elif self.delete:
            parts.append(f"delete {len(self.delete)} more of the same name")
        if self.keep is not None and not is_enabled(self.keep):
            parts.append("enable the schedule")
        return ", ".join(parts) if parts else "nothing to do"


def plan(connection: Connection, schedule: Schedule, package: str) -> Plan:
    """Compares with what is on the cluster, and changes nothing there.

    Args:
        connection: To the cluster.
        schedule: What should be there.
        package: The compiled pipeline.
    """
    pipeline = cluster.find_pipeline(connection)
    version = pipeline and cluster.find_version(connection, pipeline, package)
    there = named(connection, schedule.name)
    if not (pipeline and version):
        # A schedule that follows the newest version stays as it is when a version is added.
        if not (pipeline and schedule.always_latest):
            return Plan(True, None, there)
    elif schedule.always_latest:
        _require_newest(connection, pipeline, version)
    wanted = _wanted(connection, schedule, pipeline, version)
    fitting = [run for run in there if _same(run, wanted)]
    # One that is enabled first; of a replacement cut short, the new one is not enabled yet.
    keep = next(iter(sorted(fitting, key=is_enabled, reverse=True)), None)
    return Plan(not version, keep, [run for run in there if run is not keep])


def carry_out(connection: Connection, schedule: Schedule, package: str, todo: Plan) -> None:
    """Does what was planned.

    A new schedule is created disabled, the old one deleted, and only then the new one enabled: at
    no moment do two run, and applying again mends what an interruption left.

    Args:
        connection: To the cluster.
        schedule: What should be there.
        package: The compiled pipeline.
        todo: What `plan` said of the three.
    """
    keep = todo.keep
    if todo.upload or keep is None:
        version = cluster.upload(connection, package)
        keep = keep or _create(connection, schedule, version, todo)
    for old in todo.delete:
        remove(connection, old)
    if not is_enabled(keep):
        connection.call(
            lambda client: client.recurring_runs.recurring_run_service_enable_recurring_run(
                keep.recurring_run_id
            )
        )


def _wanted(
    connection: Connection, schedule: Schedule, pipeline: str, version: str | None
) -> V2beta1RecurringRun:
    """The recurring run to have; disabled, as it is when it is made."""
    pinned = None if schedule.always_latest else version
    return V2beta1RecurringRun(
        display_name=schedule.name,
        trigger=V2beta1Trigger(cron_schedule=V2beta1CronSchedule(cron=schedule.cron.text)),
        mode=RecurringRunMode.DISABLE,
        max_concurrency="1",
        no_catchup=True,  # or a cluster that was down for a week trains seven times
        pipeline_version_reference=V2beta1PipelineVersionReference(
            pipeline_id=pipeline, pipeline_version_id=pinned
        ),
        runtime_config=cluster.runtime_config(connection),
        service_account=connection.config.service_account or None,
    )


def _same(run: Any, wanted: V2beta1RecurringRun) -> bool:
    cron = run.trigger and run.trigger.cron_schedule and run.trigger.cron_schedule.cron
    found, asked = run.pipeline_version_reference, wanted.pipeline_version_reference
    return (
        cron == wanted.trigger.cron_schedule.cron
        and str(run.max_concurrency) == wanted.max_concurrency
        and bool(run.no_catchup)
        and found is not None
        and found.pipeline_id == asked.pipeline_id
        and (found.pipeline_version_id or None) == asked.pipeline_version_id
        and (run.runtime_config.parameters or {}) == wanted.runtime_config.parameters
        and (run.runtime_config.pipeline_root or None) == wanted.runtime_config.pipeline_root
        # The server fills in its own account where none is asked for.
        and wanted.service_account in {None, run.service_account}
    )


def _create(
    connection: Connection,
    schedule: Schedule,
    version: V2beta1PipelineVersionReference,
    todo: Plan,
) -> Any:
    body = _wanted(connection, schedule, version.pipeline_id, version.pipeline_version_id)
    body.experiment_id = cluster.experiment_id(connection)
    known = {run.recurring_run_id for run in todo.delete}

    def created() -> Any:
        new = (r for r in named(connection, schedule.name) if r.recurring_run_id not in known)
        return next(new, None)

    return connection.call(
        lambda client: client.recurring_runs.recurring_run_service_create_recurring_run(body),
        created,
    )


def _require_newest(connection: Connection, pipeline: str, version: str) -> None:
    newest = next(cluster.newest_versions(connection, pipeline))
    if newest.pipeline_version_id != version:
        raise UserError(
            f"This version of the pipeline is on the cluster, but {newest.display_name} is "
            "newer, and that is what --always-latest runs; use --pin, or delete the newer one."
        )
