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


config_option = click.option(
    "--config",
    default="cluster.toml",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Which cluster, and what differs there; `mnist-pipeline init` writes one.",
)


def _options(*options: Callable[[Command], Command]) -> Callable[[Command], Command]:
    """Makes one decorator of several."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


# Flags for top-level keys of cluster.toml.
tag_option = click.option("--tag", help="Tag of the images.")
cluster_options = _options(
    config_option,
    click.option("--host", help="URL of Kubeflow Pipelines."),
    click.option("--namespace", help="Namespace of a multi-user installation."),
    click.option("--experiment", help="Experiment, and name of the pipeline, on the cluster."),
)
run_options = _options(
    cluster_options,
    tag_option,
    click.option("--data", help="'mnist' or gs://bucket/prefix."),
    click.option("--store", help="Model store: gs://bucket/prefix."),
    click.option("--model", help="The model's name in the store."),
    click.option("--recipe", help="How to train."),
    click.option("--seed", type=int, help="Seed of the split and of training."),
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
