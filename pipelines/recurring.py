"""The schedules of a cluster, which KFP calls recurring runs."""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from kfp_server_api import RecurringRunMode, V2beta1Run

from components.errors import UserError
from pipelines import cluster
from pipelines.connection import Connection

_RUNS_LOOKED_AT = 500


def delete(connection: Connection, name: str) -> None:
    """Deletes a schedule.

    Raises:
        UserError: If there is none of the name.
    """
    for run in _required(connection, name):
        remove(connection, run)


def trigger(connection: Connection, name: str) -> str:
    """Starts a run now, as the schedule would; returns the run's id.

    Raises:
        UserError: If there is no schedule of the name.
    """
    run = _required(connection, name)[0]
    return cluster.start(
        connection,
        name,
        V2beta1Run(
            experiment_id=run.experiment_id,
            pipeline_version_reference=run.pipeline_version_reference,
            runtime_config=run.runtime_config,
            service_account=run.service_account,
        ),
    )


def listing(connection: Connection) -> list[tuple[Any, Any | None]]:
    """Returns the experiment's schedules, each with its last run, if it has run lately."""
    experiment = cluster.find_experiment(connection)
    if experiment is None:
        return []
    schedules = list(_all(connection, experiment))
    last: dict[str, Any] = {}
    for run in islice(cluster.newest_runs(connection, experiment), _RUNS_LOOKED_AT):
        last.setdefault(run.recurring_run_id, run)
        if len(last) > len(schedules):  # one key is that of runs without a schedule
            break
    return [(schedule, last.get(schedule.recurring_run_id)) for schedule in schedules]


def remove(connection: Connection, run: Any) -> None:
    """Deletes a recurring run; it is no error that it is gone already."""
    identity = run.recurring_run_id

    def gone() -> object | None:
        there = {other.recurring_run_id for other in named(connection, run.display_name)}
        return None if identity in there else object()

    connection.call(
        lambda client: client.recurring_runs.recurring_run_service_delete_recurring_run(identity),
        gone,
    )


def _required(connection: Connection, name: str) -> list[Any]:
    found = named(connection, name)
    if not found:
        raise UserError(
            f"There is no schedule {name!r} in the experiment {connection.config.experiment!r}; "
            "`mnist-pipeline schedule list` shows those that are there."
        )
    return found


def named(connection: Connection, name: str) -> list[Any]:
    """Returns the recurring runs of this name in the config's experiment."""
    experiment = cluster.find_experiment(connection)
    if experiment is None:
        return []
    return [run for run in _all(connection, experiment) if run.display_name == name]


def _all(connection: Connection, experiment: str) -> Iterator[Any]:
    return connection.pages(
        lambda client, page_token: client.list_recurring_runs(
            page_token=page_token, page_size=cluster.PAGE_SIZE, experiment_id=experiment
        ),
        "recurring_runs",
    )


def is_enabled(run: Any) -> bool:
    """Whether a recurring run starts runs."""
    return bool(run.mode == RecurringRunMode.ENABLE)
