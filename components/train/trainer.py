"""Training from a prepared dataset to a model folder and a page."""

import logging
import platform
from collections.abc import Mapping
from dataclasses import asdict
from importlib import import_module
from pathlib import Path
from typing import Any

import keras
import numpy as np

from components.dataset import PreparedDataset, Split, open_dataset
from components.errors import UserError
from components.train.checkpoint import Checkpoint
from components.train.curves import deformed_examples, layer_rows, render_page
from components.train.device import adapt, find_device
from components.train.export import export
from components.train.feed import Feed
from components.train.fit import fit
from components.train.model import Network, build_network
from components.train.recipe import Recipe, check_seed, resolve

log = logging.getLogger(__name__)

# Images on which the exported files are compared with the trained network.
_PROBE_IMAGES = 256


def train(
    dataset_dir: Path,
    recipe_name: str,
    overrides: Mapping[str, Any],
    seed: int,
    model_dir: Path,
    page_path: Path,
    checkpoints: str = "",
) -> dict[str, float]:
    """Trains a network and writes the model folder and the training page.

    Args:
        dataset_dir: A prepared dataset.
        recipe_name: One of `RECIPES`.
        overrides: Fields of the recipe to change.
        seed: Decides initial weights, order of images and deformations; 0 to 2**32 - 1.
        model_dir: Where the model folder goes.
        page_path: Where the page goes.
        checkpoints: Folder, here or at ``gs://``, where the state of each epoch is kept until
            the model is written; a training that was killed continues from there. Empty for none.

    Returns:
        The last epoch's figures, and those of the averaged weights if the recipe averages, among
        them whether these are what is exported, 1 or 0.

    Raises:
        UserError: The recipe does not fit the data, the loss became NaN, or the dataset or the
            checkpoint can't be used.
    """
    dataset = open_dataset(dataset_dir)
    device = find_device()
    recipe = adapt(resolve(recipe_name, overrides), device)
    _check_fit(recipe, dataset, seed)
    manifest = _manifest(dataset, recipe_name, recipe, seed) | {"device": device.name}
    checkpoint = _checkpoint(checkpoints, manifest)
    network = build_network(recipe, dataset.image_shape, dataset.num_classes, seed)
    network.model.summary(line_length=79, print_fn=log.info)
    validation = dataset.read("validation")
    feed = Feed(dataset.read("train"))
    history = fit(network, recipe, feed, validation, seed, checkpoint)
    averaged = _average(network, recipe, validation, history[-1]["val_accuracy"])
    manifest |= {"history": history, "averaged": averaged}
    export(network.model, recipe, manifest, validation.images[:_PROBE_IMAGES], model_dir)
    examples = deformed_examples(recipe, dataset.image_shape, validation.images)
    render_page(page_path, manifest, layer_rows(network.model), examples)
    if checkpoint:
        checkpoint.remove()
    return history[-1] | {f"averaged_{key}": value for key, value in (averaged or {}).items()}


def _check_fit(recipe: Recipe, dataset: PreparedDataset, seed: int) -> None:
    count = dataset.splits["train"].count
    if recipe.batch_size > count:
        raise UserError(
            f"batch_size {recipe.batch_size} is larger than the {count} training images; "
            f"give at most that: --set batch_size={count}."
        )
    check_seed(seed)


def _manifest(
    dataset: PreparedDataset, recipe_name: str, recipe: Recipe, seed: int
) -> dict[str, Any]:
    backend = keras.backend.backend()
    return {
        "recipe": {"name": recipe_name, **asdict(recipe)},
        "seed": seed,
        "image_shape": list(dataset.image_shape),
        "class_names": list(dataset.class_names),
        "dataset": {
            "fingerprint": dataset.fingerprint,
            "splits": {name: asdict(info) for name, info in dataset.splits.items()},
        },
        "versions": {
            "python": platform.python_version(),
            "keras": keras.version(),
            "numpy": np.version.version,
            backend: import_module(backend).__version__,
        },
    }


def _checkpoint(uri: str, manifest: Mapping[str, Any]) -> Checkpoint | None:
    identity = {key: manifest[key] for key in ("recipe", "seed", "dataset", "versions")}
    return Checkpoint(uri, identity) if uri else None


def _average(
    network: Network, recipe: Recipe, validation: Split, last_accuracy: float
) -> dict[str, float] | None:
    """Evaluates the averaged weights if the recipe averages, and changes to them.

    The last weights stay if they do better on the validation images: in a short training, the
    average still remembers the beginning.
    """
    if not recipe.ema_momentum:
        return None
    last = network.model.get_weights()
    network.optimizer.finalize_variable_values(network.model.trainable_variables)
    loss, accuracy = network.evaluate(validation.images, validation.labels)
    exported = accuracy >= last_accuracy
    if not exported:
        network.model.set_weights(last)
    return {"val_loss": loss, "val_accuracy": accuracy, "exported": int(exported)}
