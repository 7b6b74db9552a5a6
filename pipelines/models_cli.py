"""``mnist-pipeline models`` and ``predict``: what is in a model store, which version serves."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from components.errors import UserError
from components.promote import champion
from components.promote.model_store import CARD, ModelStore
from pipelines.options import store_options

if TYPE_CHECKING:
    from components.dense_model import DenseModel


@click.group()
def models() -> None:
    """Look into a model store, or let another version serve."""


@models.command("list")
@store_options
def list_versions(store: str, name: str) -> None:
    """List all versions, oldest first."""
    from pipelines.console import print_table

    opened = ModelStore(store, name)
    versions = opened.versions()
    serving = champion.serving(opened)
    if not versions:
        click.echo(f"{opened.folder.uri} has no versions yet; mnist-pipeline run makes the first.")
        return
    rows = (
        (
            str(each.version),
            f"{each.accuracy:.2%}",
            each.published[:16].replace("T", " "),
            "champion" if each.version == serving else "",
            each.recipe,
            each.dataset_fingerprint[:12],
        )
        for each in versions
    )
    print_table(("version", "accuracy", "published (UTC)", "champion", "recipe", "data"), rows)


@models.command()
@click.argument("version", type=click.IntRange(min=1))
@store_options
def show(version: int, store: str, name: str) -> None:
    """Show a version's model card, and whether it serves."""
    from rich.console import Console
    from rich.markdown import Markdown

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
    opened = ModelStore(store, name)
    now = champion.rollback(opened, version)
    click.echo(f"Version {now.version} of {opened.folder.uri} is the champion: {now.reason}.")


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@store_options
@click.option("--json", "as_json", is_flag=True, help="A JSON document on stdout.")
def predict(images: tuple[Path, ...], store: str, name: str, as_json: bool) -> None:
    """Say which digit each of IMAGES shows, with the champion of a model store.

    A PNG, a JPEG or a .npy file of any size with one digit, dark on light or light on dark.
    """
    version, model = _champion(store, name)
    rows = [{"image": str(path), **_classify(model, path)} for path in images]
    if as_json:
        click.echo(json.dumps({"version": version, "predictions": rows}, indent=2))
        return
    for row in rows:
        click.echo(f"{row['image']}  {row['class']}  {row['probability']:.1%}")


def _champion(store: str, name: str) -> tuple[int, "DenseModel"]:
    from components.dense_model import load_model

    opened = ModelStore(store, name)
    version = champion.serving(opened)
    with champion.at_hand(opened, version) as folder:
        if folder is None:
            raise UserError(f"{opened.folder.uri} has no champion yet; run the pipeline first.")
        return version, load_model(folder)


def _classify(model: "DenseModel", path: Path) -> dict[str, Any]:
    from components.predict.pictures import read_picture, to_image

    try:
        image = to_image(read_picture(path), model.image_shape)
    except UserError as error:
        raise UserError(
            f"{path}: {error}" if str(path) not in str(error) else str(error)
        ) from error
    probabilities = model.probabilities(image.reshape(1, -1))[0]
    best = int(probabilities.argmax())
    return {"class": model.class_names[best], "probability": float(probabilities[best])}
