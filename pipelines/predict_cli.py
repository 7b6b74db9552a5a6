"""``mnist-pipeline predict``: digits in pictures, with the model that serves."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from components.errors import UserError
from pipelines.store_options import as_one_sentence, store_options

if TYPE_CHECKING:
    from components.dense_model import DenseModel


@click.command()
@click.argument("images", nargs=-1, required=True, type=click.Path(path_type=Path))
@store_options
@click.option("--json", "as_json", is_flag=True, help="A JSON document on stdout.")
def predict(images: tuple[Path, ...], store: str, name: str, as_json: bool) -> None:
    """Say which digit each of IMAGES shows, with the champion of a model store.

    A PNG, a JPEG or a .npy file of any size with one digit, dark on light or light on dark.
    """
    with as_one_sentence():
        version, model = _champion(store, name)
        rows = [{"image": str(path), **_classify(model, path)} for path in images]
    if as_json:
        click.echo(json.dumps({"version": version, "predictions": rows}, indent=2))
        return
    for row in rows:
        click.echo(f"{row['image']}  {row['class']}  {row['probability']:.1%}")


def _champion(store: str, name: str) -> tuple[int, "DenseModel"]:
    from components.dense_model import load_model
    from components.promote import champion
    from components.promote.model_store import ModelStore

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
