"""Runs each step in its image, with KFP's Docker runner.

KFP 2.17 lets the engine remove a container as it ends, and takes one that is gone before its exit
status is read for a success. So the containers are started, followed and judged here.
"""

import contextlib
import json
import os
from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from docker.client import DockerClient
from docker.errors import APIError, DockerException, ImageNotFound
from docker.models.containers import Container
from docker.types import DeviceRequest, Mount

from components import images
from components.errors import UserError
from pipelines.config import PipelineConfig

_DEFAULT_HOST = "unix:///var/run/docker.sock"
_CREDENTIALS = "GOOGLE_APPLICATION_CREDENTIALS"
_DEFAULT_CREDENTIALS = Path("~/.config/gcloud/application_default_credentials.json")
_GOOGLE_SETTINGS = (_CREDENTIALS, "GOOGLE_CLOUD_PROJECT", "STORAGE_EMULATOR_HOST")
_ALL_GPUS = DeviceRequest(count=-1, capabilities=[["gpu"]])


def docker_runner(
    read: Sequence[str], written: Sequence[str], gpus: bool
) -> tuple[Any, PipelineConfig]:
    """Prepares to run the pipeline in its images, as the calling user and read-only.

    Args:
        read: URIs that steps read; see `access`.
        written: URIs that steps write to, beside the run's own folder.
        gpus: Whether the train step gets the engine's GPUs.

    Returns:
        KFP's runner, and a config that names images by their ids: what is cached for one build of
        an image never stands for another.

    Raises:
        UserError: If there is no engine, no image, or no GPU where one is asked for.
    """
    with contextlib.closing(_connect()) as client:
        names = (images.DATA_PREP, images.TRAIN, images.EVALUATE)
        config = PipelineConfig(images.References(*(_image_id(client, name) for name in names)))
        if gpus:
            _check_gpus(client)
    from kfp.local import DockerRunner, docker_task_handler

    docker_task_handler.run_docker_container = partial(
        run_container, gpu_image=config.images.train if gpus else None
    )
    runner = DockerRunner(
        user=f"{os.getuid()}:{os.getgid()}",
        read_only=True,
        tmpfs={"/tmp": ""},
        **access(read, written),
    )
    return runner, config


def _connect() -> DockerClient:
    try:
        return DockerClient.from_env()
    except DockerException as error:
        host = os.environ.get("DOCKER_HOST", _DEFAULT_HOST)
        raise UserError(
            f"No Docker engine answers at {host}: start it and see that you may use it, "
            "or run without --runner docker."
        ) from error


def _image_id(client: DockerClient, name: str) -> str:
    try:
        return client.images.get(name).id
    except ImageNotFound as error:
        raise UserError(f"The image {name} is missing; build it with `make images`.") from error


def _check_gpus(client: DockerClient) -> None:
    """Tries: no list of runtimes or devices tells what an engine can hand out."""
    probe = ["python3", "-c", "import nvidia"]
    options = {"device_requests": [_ALL_GPUS], "network_mode": "none"}
    try:
        with _started(client, images.TRAIN, probe, **options) as container:
            status = container.wait()["StatusCode"]
    except APIError as error:
        raise UserError(
            f"This Docker engine hands out no GPUs ({error.explanation}): "
            "install NVIDIA's container toolkit, or run without --gpus."
        ) from error
    if status != 0:
        raise UserError(
            f"The image {images.TRAIN} has no CUDA libraries: build it with "
            "`make images ACCELERATOR=cuda`, or run without --gpus."
        )


def access(read: Sequence[str], written: Sequence[str]) -> dict[str, Any]:
    """What containers reach beside their run's own folder, as options of `containers.create`.

    Local folders are mounted, and there is no network; for anything at ``gs://`` there is this
    machine's, with this user's credentials for it.

    Args:
        read: URIs that steps read. A local path is absolute; one that does not exist is left out,
            as the step that looks for it says so best.
        written: URIs that steps write to; a local path is absolute.
    """
    mounts = [_bind(uri, True) for uri in read if Path(uri).is_absolute() and Path(uri).exists()]
    mounts += [_bind(uri, False) for uri in written if Path(uri).is_absolute()]
    if not any(uri.startswith("gs://") for uri in (*read, *written)):
        return {"mounts": mounts, "network_mode": "none"}
    environment = {name: os.environ[name] for name in _GOOGLE_SETTINGS if name in os.environ}
    credentials = Path(environment.get(_CREDENTIALS) or _DEFAULT_CREDENTIALS.expanduser())
    if credentials.is_file():
        environment[_CREDENTIALS] = str(credentials.absolute())
        mounts.append(_bind(credentials.absolute(), True))
    return {"mounts": mounts, "network_mode": "host", "environment": environment}


def _bind(path: str | Path, read_only: bool) -> Mount:
    return Mount(target=str(path), source=str(path), type="bind", read_only=read_only)


def run_container(
    client: DockerClient,
    image: str,
    command: list[str],
    *,
    mounts: list[Mount],
    gpu_image: str | None,
    **options: Any,
) -> int:
    """Runs one step and prints what it prints; stands in for KFP's function of a like name.

    Args:
        client: Connection to the engine.
        image: Id of the step's image.
        command: The step's command, with KFP's executor input in it.
        mounts: What every step sees of this machine; its input artifacts, which an earlier run may
            have left, are added read-only.
        gpu_image: The image whose steps get all GPUs, if any.
        options: What else `containers.create` takes.

    Returns:
        The exit status; 1 for a container that could not start or left no outputs.
    """
    task = json.loads(command[command.index("--executor_input") + 1])
    options["mounts"] = [*mounts, *_inputs(task)]
    if image == gpu_image:
        options["device_requests"] = [_ALL_GPUS]
    try:
        for mount in mounts:
            if not mount["ReadOnly"]:
                Path(mount["Source"]).mkdir(parents=True, exist_ok=True)
        status = _run(client, image, command, **options)
    except (DockerException, OSError) as error:
        print(f"The container could not be run: {error}")
        return 1
    if status == 0 and not Path(task["outputs"]["outputFile"]).exists():
        print("The container ended well, but left no outputs.")
        return 1
    return status


def _inputs(task: dict[str, Any]) -> list[Mount]:
    """The task's input artifacts, read-only."""
    inputs = task.get("inputs", {}).get("artifacts", {}).values()
    return [_bind(item["uri"], True) for artifact in inputs for item in artifact["artifacts"]]


def _run(client: DockerClient, image: str, command: list[str], **options: Any) -> int:
    with _started(client, image, command, **options) as container:
        for line in container.logs(stream=True):
            print(line.decode(errors="replace").rstrip("\n"))
        status = container.wait()["StatusCode"]
        container.reload()
        if status != 0 and container.attrs["State"]["OOMKilled"]:
            print("The container was killed for lack of memory.")
        elif status != 0:
            print(f"The container ended with exit status {status}.")
    return int(status)


@contextlib.contextmanager
def _started(
    client: DockerClient, image: str, command: list[str], **options: Any
) -> Iterator[Container]:
    """A running container, which is removed whatever happens, Ctrl-C included."""
    container = client.containers.create(image, command, **options)
    try:
        container.start()
        yield container
    finally:
        container.remove(force=True, v=True)
