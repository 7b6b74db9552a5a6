"""Puts the pipeline on a cluster, and starts runs of it."""

import json
import secrets
import tempfile
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import kfp_server_api as api

from pipelines.connection import Connection
from pipelines.training import compile_pipeline, version_name


def submit(connection: Connection) -> str:
    """Starts a run of the pipeline as the config has it; returns the run's id.

    Raises:
        UserError: If the server refuses or does not answer.
    """
    version = upload(connection, compile_pipeline(connection.config.pipeline))
    run = api.V2beta1Run(
        experiment_id=experiment_id(connection),
        pipeline_version_reference=version,
        runtime_config=runtime_config(connection),
        service_account=connection.config.service_account or None,
    )
    return start(connection, "submit", run)


def upload(connection: Connection, package: str) -> api.V2beta1PipelineVersionReference:
    """Uploads a compiled pipeline as a version named by its content, unless it is there."""
    # Uploading a first version would name it after the pipeline, so make the pipeline empty.
    empty = api.V2beta1Pipeline(name=connection.config.experiment)
    pipeline = _ensure(connection, "pipelines", empty)
    version = find_version(connection, pipeline, package) or _upload(connection, pipeline, package)
    return api.V2beta1PipelineVersionReference(pipeline_id=pipeline, pipeline_version_id=version)


def start(connection: Connection, cause: str, run: api.V2beta1Run) -> str:
    """Starts a run, which is named after its cause and the time; returns the run's id."""
    # The random part tells this run from others, should the server's answer be lost.
    run.display_name = f"{cause}-{datetime.now():%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    return str(create(connection, "runs", run, experiment_id=run.experiment_id).run_id)


def runtime_config(connection: Connection) -> api.V2beta1RuntimeConfig:
    """What runs are called with, and where their artifacts go."""
    return api.V2beta1RuntimeConfig(
        parameters=connection.config.parameters,
        pipeline_root=connection.config.pipeline_root or None,
    )


def find(connection: Connection, kind: str) -> str | None:
    """Returns the id of the config's experiment, or of its pipeline, which has the same name.

    None if it is not there. The kind is "experiments" or "pipelines".
    """
    config = connection.config
    things = named(connection, kind, config.experiment, namespace=config.namespace or None)
    return next((getattr(thing, f"{kind[:-1]}_id") for thing in things), None)


def experiment_id(connection: Connection) -> str:
    """Returns the id of the config's experiment, which is made if there is none."""
    return _ensure(connection, "experiments", api.V2beta1Experiment())


def find_version(connection: Connection, pipeline: str, package: str) -> str | None:
    """Returns the id of the version that holds a compiled pipeline, if it is there."""
    found = named(connection, "pipeline_versions", version_name(package), pipeline_id=pipeline)
    return next((version.pipeline_version_id for version in found), None)


def newest_versions(connection: Connection, pipeline: str) -> Iterator[Any]:
    """Yields the versions of a pipeline, the newest first."""
    return connection.listed("pipeline_versions", pipeline_id=pipeline, sort_by="created_at desc")


def named(connection: Connection, kind: str, name: str, **where: str | None) -> Iterator[Any]:
    """Yields things of a kind that have exactly this name."""
    predicate = {"operation": "EQUALS", "key": "display_name", "stringValue": name}
    found = connection.listed(kind, filter=json.dumps({"predicates": [predicate]}), **where)
    # To a server's database upper and lower case may be the same.
    return (each for each in found if each.display_name == name)


def create(connection: Connection, kind: str, body: Any, **where: str | None) -> Any:
    """Creates one thing, also if an answer is lost: then looks for what is named and described so.

    Args:
        connection: To the cluster.
        kind: As in `Connection.listed`.
        body: The thing to create.
        where: In what to look for it.
    """

    def created() -> Any:
        things = named(connection, kind, body.display_name, **where)
        wanted = body.description or ""  # for which servers may answer null
        return next((each for each in things if (each.description or "") == wanted), None)

    method = f"{kind[:-1]}_service_create_{kind[:-1]}"
    return connection.call(lambda client: getattr(getattr(client, kind), method)(body), created)


def _ensure(connection: Connection, kind: str, body: Any) -> str:
    existing = find(connection, kind)
    if existing is not None:
        return existing
    body.display_name = connection.config.experiment
    body.namespace = connection.config.namespace or None
    created = create(connection, kind, body, namespace=body.namespace)
    return str(getattr(created, f"{kind[:-1]}_id"))


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
