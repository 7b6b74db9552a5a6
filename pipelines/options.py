"""Options that several commands have in common."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from components.errors import UserError
from pipelines.cluster_config import ClusterConfig, load

if TYPE_CHECKING:
    from pipelines.connection import Connection

Command = Callable[..., Any]


def store_options(command: Command) -> Command:
    """Adds ``--store`` and ``--name``, with the same defaults everywhere."""
    where = "Model store: a folder or gs://bucket/prefix."
    store = click.option("--store", default="models", metavar="URI", help=where)
    name = click.option("--name", default="mnist", metavar="NAME", help="The model's name there.")
    return store(name(command))


def cluster_options(command: Command) -> Command:
    """Adds ``--config``, and the flags that say which cluster."""
    which = _flags(
        host="URL of Kubeflow Pipelines.",
        namespace="Namespace of a multi-user installation.",
        experiment="Experiment, and name of the pipeline, on the cluster.",
    )
    return config_option(which(command))


config_option = click.option(
    "--config",
    default="cluster.toml",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Which cluster, and what differs there; `mnist-pipeline init` writes one.",
)


def _flags(**helps: str) -> Callable[[Command], Command]:
    """Flags for top-level keys of ``cluster.toml``, by what each is for."""

    def decorate(command: Command) -> Command:
        for key, text in reversed(helps.items()):
            kind = int if key == "seed" else str
            command = click.option(f"--{key}", type=kind, help=text)(command)
        return command

    return decorate


tag_option = _flags(tag="Tag of the images.")
run_options = _flags(
    tag="Tag of the images.",
    data="'mnist' or gs://bucket/prefix.",
    store="Model store: gs://bucket/prefix.",
    model="The model's name in the store.",
    recipe="How to train.",
    seed="Seed of the split and of training.",
)


class WrongUsageError(click.ClickException):
    """What a command was given can't be used."""

    exit_code = 2


@contextlib.contextmanager
def wrong_usage() -> Iterator[None]:
    """Gives a user's error the exit status of wrong usage, 2; elsewhere it is 1."""
    try:
        yield
    except UserError as error:
        raise WrongUsageError(str(error)) from error


def configured(config: Path, flags: Mapping[str, Any]) -> ClusterConfig:
    """Reads the config, where flags that were given win; ends with status 2 if it is wrong."""
    with wrong_usage():
        return load(config, {key: value for key, value in flags.items() if value is not None})


def connected(config: Path, flags: Mapping[str, Any]) -> "Connection":
    """Connects to the config's cluster."""
    settings = configured(config, flags)
    from pipelines.connection import Connection

    return Connection(settings)
