"""Where the steps of a local run execute: in processes of this environment, or in the images."""

import hashlib
import importlib.metadata
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import components
from components.errors import UserError
from components.images import References
from components.train.loop import check_backend
from pipelines.config import PipelineConfig


def choose(
    name: str, read: Sequence[str], written: Sequence[str], gpus: bool
) -> tuple[Any, PipelineConfig]:
    """Returns KFP's runner and the config that goes with it.

    The name is "subprocess" or "docker"; the rest is for `docker_runner`.

    Raises:
        UserError: If the runner can't be used as asked.
    """
    if name == "docker":
        from pipelines.docker import docker_runner

        return docker_runner(read, written, gpus)
    if gpus:
        raise UserError(
            "--gpus is for --runner docker; without it, training uses this machine's GPU by itself."
        )
    check_backend(os.environ.get("KERAS_BACKEND") or "tensorflow")
    from kfp.local import SubprocessRunner

    return SubprocessRunner(use_venv=False), _local_config()


def _local_config() -> PipelineConfig:
    """A config whose image names stand for this environment.

    KFP's cache keys a step by its image, and nothing else tells it that code has changed.
    """
    image = f"local-python:{_environment_digest()}"
    return PipelineConfig(References(image, image, image))


def _environment_digest() -> str:
    digest = hashlib.sha256((sys.version + os.environ.get("KERAS_BACKEND", "")).encode())
    for package in ("keras", "numpy", "kfp"):
        digest.update(importlib.metadata.version(package).encode())
    root = Path(components.__path__[0])
    for path in sorted(p for p in root.rglob("*") if p.suffix in {".py", ".html", ".css"}):
        digest.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return digest.hexdigest()[:16]
