"""What the commands that look into a model store have in common."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import click

from components.errors import UserError


def store_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Adds ``--store`` and ``--name``, with the same defaults everywhere."""
    store = click.option(
        "--store",
        default="models",
        show_default=True,
        metavar="URI",
        help="Model store: a folder or gs://bucket/prefix.",
    )
    name = click.option(
        "--name", default="mnist", show_default=True, metavar="NAME", help="The model's name there."
    )
    return store(name(command))


class WrongUsageError(click.ClickException):
    """What a command was given can't be used."""

    exit_code = 2


@contextlib.contextmanager
def as_one_sentence(
    kind: type[click.ClickException] = click.ClickException,
) -> Iterator[None]:
    """Ends the command with a user's error as its last words, and the kind's exit status."""
    try:
        yield
    except UserError as error:
        raise kind(str(error)) from error
