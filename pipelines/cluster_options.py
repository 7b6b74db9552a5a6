"""What the commands that talk to a cluster have in common."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipelines.store_options import WrongUsageError, as_one_sentence

if TYPE_CHECKING:
    from pipelines.cluster_config import ClusterConfig
    from pipelines.connection import Connection

Command = Callable[..., Any]

config_option = click.option(
    "--config",
    default="cluster.toml",
    show_default=True,
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Which cluster, and what differs there; `mnist-pipeline init` writes one.",
)
_CLUSTER = {
    "host": "URL of Kubeflow Pipelines.",
    "namespace": "Namespace of a multi-user installation.",
    "experiment": "Experiment, and name of the pipeline, on the cluster.",
}
_RUN = {
    "tag": "Tag of the images.",
    "data": "'mnist' or gs://bucket/prefix.",
    "store": "Model store: gs://bucket/prefix.",
    "model": "The model's name in the store.",
    "recipe": "How to train.",
    "seed": "Seed of the split and of training.",
}


def cluster_options(command: Command) -> Command:
    """Adds ``--config``, and the flags that say which cluster."""
    return config_option(_flags(_CLUSTER)(command))


def run_options(command: Command) -> Command:
    """Adds the flags that say what to run."""
    return _flags(_RUN)(command)


def tag_option(command: Command) -> Command:
    """Adds ``--tag``."""
    return _flags({"tag": _RUN["tag"]})(command)


def configured(config: Path, flags: Mapping[str, Any]) -> "ClusterConfig":
    """Reads the config, where flags that were given win; ends with status 2 if it is wrong."""
    from pipelines.cluster_config import load

    with as_one_sentence(WrongUsageError):
        return load(config, {key: value for key, value in flags.items() if value is not None})


def connected(config: Path, flags: Mapping[str, Any]) -> "Connection":
    """Connects to the config's cluster."""
    settings = configured(config, flags)
    from pipelines.connection import Connection

    with as_one_sentence():
        return Connection(settings)


def _flags(helps: Mapping[str, str]) -> Callable[[Command], Command]:
    def decorate(command: Command) -> Command:
        for key, text in reversed(list(helps.items())):
            kind = int if key == "seed" else str
            command = click.option(f"--{key}", type=kind, help=text)(command)
        return command

    return decorate
