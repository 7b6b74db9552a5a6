"""Puts the pipeline on a cluster, and starts runs of it."""

import json
import secrets
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

from kfp_server_api import (
    V2beta1Experiment,
    V2beta1Pipeline,
    V2beta1PipelineVersionReference,
    V2beta1Run,
    V2beta1RuntimeConfig,
)

from pipelines.compile import compile_pipeline, version_name
from pipelines.connection import Connection

PAGE_SIZE = 100
_EQUALS = "EQUALS"


def submit(connection: Connection) -> str:
    """Starts a run of the pipeline as the config has it.

    Returns:
        The run's id.

    Raises:
        UserError: If the server refuses or does not answer.
    """
    version = upload(connection, compile_pipeline(connection.config.pipeline))
    run = V2beta1Run(
        experiment_id=experiment_id(connection),
        pipeline_version_reference=version,
        runtime_config=runtime_config(connection),
        service_account=connection.config.service_account or None,
    )
    return start(connection, "submit", run)


def upload(connection: Connection, package: str) -> V2beta1PipelineVersionReference:
    """Uploads a compiled pipeline as a version named by its content, unless it is there."""
    pipeline = _pipeline_id(connection)
    version = find_version(connection, pipeline, package) or _upload(connection, pipeline, package)
    return V2beta1PipelineVersionReference(pipeline_id=pipeline, pipeline_version_id=version)


def start(connection: Connection, cause: str, run: V2beta1Run) -> str:
    """Starts a run, which is named after its cause and the time; returns the run's id."""
    # The random part tells this run from others, should the server's answer be lost.
    run.display_name = f"{cause}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    where = {"experiment_id": run.experiment_id}

    def started() -> Any:
        return _one(connection, "runs", "run_service_list_runs", run.display_name, **where)

    created = connection.call(lambda client: client.runs.run_service_create_run(run), started)
    return str(created.run_id)


def runtime_config(connection: Connection) -> V2beta1RuntimeConfig:
    """What runs are called with, and where their artifacts go."""
    return V2beta1RuntimeConfig(
        parameters=dict(connection.config.parameters),
        pipeline_root=connection.config.pipeline_root or None,
    )


def find_experiment(connection: Connection) -> str | None:
    """Returns the id of the config's experiment, if it is there."""
    found = _one(
        connection,
        "experiments",
        "experiment_service_list_experiments",
        connection.config.experiment,
        **_namespace(connection),
    )
    return str(found.experiment_id) if found else None


def experiment_id(connection: Connection) -> str:
    """Returns the id of the config's experiment, which is made if there is none."""
    existing = find_experiment(connection)
    if existing is not None:
        return existing
    body = V2beta1Experiment(display_name=connection.config.experiment, **_namespace(connection))
    return connection.call(
        lambda client: str(
            client.experiments.experiment_service_create_experiment(body).experiment_id
        ),
        lambda: find_experiment(connection),
    )


def find_pipeline(connection: Connection) -> str | None:
    """Returns the id of the pipeline; it is called what the experiment is, if it is there."""
    found = _one(
        connection,
        "pipelines",
        "pipeline_service_list_pipelines",
        connection.config.experiment,
        **_namespace(connection),
    )
    return str(found.pipeline_id) if found else None


def find_version(connection: Connection, pipeline: str, package: str) -> str | None:
    """Returns the id of the version that holds a compiled pipeline, if it is there."""
    name = version_name(package)
    versions = newest_versions(connection, pipeline)
    found = (v.pipeline_version_id for v in versions if name in {v.display_name, v.name})
    return next(found, None)


def newest_versions(connection: Connection, pipeline: str) -> Iterator[Any]:
    """Yields the versions of a pipeline, the newest first."""
    return connection.pages(
        lambda client, page_token: client.list_pipeline_versions(
            pipeline, page_token=page_token, page_size=PAGE_SIZE, sort_by="created_at desc"
        ),
        "pipeline_versions",
    )


def newest_runs(connection: Connection, experiment: str) -> Iterator[Any]:
    """Yields the runs of an experiment, the newest first."""
    return connection.pages(
        lambda client, page_token: client.list_runs(
            page_token=page_token,
            page_size=PAGE_SIZE,
            sort_by="created_at desc",
            experiment_id=experiment,
        ),
        "runs",
    )


def _pipeline_id(connection: Connection) -> str:
    existing = find_pipeline(connection)
    if existing is not None:
        return existing
    name = connection.config.experiment
    # Uploading a first version would name it after the pipeline, so make the pipeline empty.
    body = V2beta1Pipeline(name=name, display_name=name, **_namespace(connection))
    return connection.call(
        lambda client: str(client.pipelines.pipeline_service_create_pipeline(body).pipeline_id),
        lambda: find_pipeline(connection),
    )


def _upload(connection: Connection, pipeline: str, package: str) -> str:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        path.write_text(package, encoding="utf-8")
        return connection.call(
            lambda client: str(
                client.pipeline_uploads.upload_pipeline_version(
                    str(path), name=version_name(package), pipelineid=pipeline
                ).pipeline_version_id
            ),
            lambda: find_version(connection, pipeline, package),
        )


def _one(connection: Connection, kind: str, method: str, name: str, **where: str) -> Any:
    """Returns the first thing of a name, or None."""
    predicate = {"operation": _EQUALS, "key": "display_name", "stringValue": name}
    things = connection.pages(
        lambda client, page_token: getattr(getattr(client, kind), method)(
            filter=json.dumps({"predicates": [predicate]}),
            page_token=page_token,
            page_size=PAGE_SIZE,
            **where,
        ),
        kind,
    )
    return next((thing for thing in things if thing.display_name == name), None)


def _namespace(connection: Connection) -> dict[str, str]:
    namespace = connection.config.namespace
    return {"namespace": namespace} if namespace else {}
