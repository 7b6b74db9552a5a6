"""``mnist-pipeline models``: what is in a model store, and which version serves."""

from typing import TYPE_CHECKING

import click

from pipelines.store_options import as_one_sentence, store_options

if TYPE_CHECKING:
    from rich.table import Table

    from components.promote.model_store import Version


@click.group()
def models() -> None:
    """Look into a model store, or let another version serve."""


@models.command("list")
@store_options
def list_versions(store: str, name: str) -> None:
    """List all versions, oldest first."""
    from rich.console import Console

    from components.promote import champion
    from components.promote.model_store import ModelStore

    with as_one_sentence():
        opened = ModelStore(store, name)
        versions = opened.versions()
        serving = champion.serving(opened)
    if not versions:
        click.echo(f"{opened.folder.uri} has no versions yet; mnist-pipeline run makes the first.")
        return
    Console().print(_table(versions, serving))


@models.command()
@click.argument("version", type=click.IntRange(min=1))
@store_options
def show(version: int, store: str, name: str) -> None:
    """Show a version's model card, and whether it serves."""
    from rich.console import Console
    from rich.markdown import Markdown

    from components.promote import champion
    from components.promote.model_store import CARD, ModelStore

    with as_one_sentence():
        opened = ModelStore(store, name)
        card = opened.read(version, CARD).decode()
        serving = champion.current(opened)
    console = Console()
    console.print(Markdown(card) if console.is_terminal else card, markup=False, soft_wrap=True)
    if serving is not None and serving.version == version:
        click.echo(f"Champion since {serving.since}: {serving.reason}.")
    click.echo(opened.folder.folder(str(version)).uri)


@models.command()
@click.argument("version", type=click.IntRange(min=1), required=False)
@store_options
def rollback(version: int | None, store: str, name: str) -> None:
    """Let VERSION serve again; without one, the champion before the present one."""
    from components.promote import champion
    from components.promote.model_store import ModelStore

    with as_one_sentence():
        opened = ModelStore(store, name)
        now = champion.rollback(opened, version)
    click.echo(f"Version {now.version} of {opened.folder.uri} is the champion: {now.reason}.")


def _table(versions: list["Version"], serving: int) -> "Table":
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("version", "accuracy", "published (UTC)", "champion", "recipe", "data"):
        table.add_column(heading, no_wrap=True)
    for each in versions:
        table.add_row(
            str(each.version),
            f"{each.accuracy:.2%}",
            each.published[:16].replace("T", " "),
            "champion" if each.version == serving else "",
            each.recipe,
            each.dataset_fingerprint[:12],
        )
    return table
