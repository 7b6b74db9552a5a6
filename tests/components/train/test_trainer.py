import logging
import math

import pytest

from components.dataset import open_dataset
from components.dense_model import load_model
from components.errors import UserError
from components.train.device import Device, adapt
from components.train.recipe import Recipe
from components.train.trainer import train

SHORT = {"epochs": 2, "batch_size": 32}


def test_from_dataset_to_model_and_page(dataset_dir, tmp_path):
    figures = train(dataset_dir, "fast", SHORT, 3, tmp_path / "model", tmp_path / "page.html")
    model = load_model(tmp_path / "model")
    assert model.manifest["recipe"]["name"] == "fast" and model.manifest["recipe"]["epochs"] == 2
    assert model.manifest["seed"] == 3 and model.image_shape == (28, 28)
    described = model.manifest["dataset"]
    assert described["fingerprint"] == open_dataset(dataset_dir).fingerprint
    counts = {name: split["count"] for name, split in described["splits"].items()}
    assert counts == {"train": 340, "validation": 60, "test": 100}
    assert [entry["epoch"] for entry in model.manifest["history"]] == [1, 2]
    assert model.manifest["versions"].keys() == {"python", "tensorflow", "keras", "numpy"}

    validation = open_dataset(dataset_dir).read("validation")
    answers = model.probabilities(validation.images).argmax(axis=1)
    assert figures["val_accuracy"] == pytest.approx((answers == validation.labels).mean(), abs=0.02)
    assert all(
        type(figure) in (int, float) and math.isfinite(figure) for figure in figures.values()
    )

    page = (tmp_path / "page.html").read_text()
    assert "Dense" in page and "203,5" in page and page.count("<svg") == 4
    assert "Deformed" not in page


@pytest.mark.parametrize("momentum", [0.999, 0.1])
def test_averaged_weights_are_reported_apart_and_exported_if_they_do_better(
    dataset_dir, tmp_path, momentum
):
    overrides = {"epochs": 3, "batch_size": 32, "hidden_units": [16], "dtype": "float32"}
    overrides["ema_momentum"] = momentum
    outputs = tmp_path / "model", tmp_path / "page.html"
    figures = train(dataset_dir, "strong", overrides, 0, *outputs)
    model = load_model(tmp_path / "model")
    exported = figures["averaged_val_accuracy"] >= figures["val_accuracy"]
    assert figures["averaged_exported"] == exported
    assert exported or momentum == 0.999  # 33 steps are few for an average of 1,000
    assert figures["averaged_val_accuracy"] == model.manifest["averaged"]["val_accuracy"]
    validation = open_dataset(dataset_dir).read("validation")
    answers = model.probabilities(validation.images).argmax(axis=1)
    better = max(figures["val_accuracy"], figures["averaged_val_accuracy"])
    assert (answers == validation.labels).mean() == pytest.approx(better)
    page = (tmp_path / "page.html").read_text()
    assert page.count("<img") == 20
    assert ("which are exported" if exported else "which are not exported") in page


@pytest.mark.parametrize(
    ("overrides", "seed", "part"),
    [
        ({"batch_size": 341}, 0, "batch_size=340"),
        ({}, -1, "seed can't be -1"),
        ({}, 2**32, "seed can't be"),
    ],
)
def test_what_does_not_fit_is_refused_before_training(dataset_dir, tmp_path, overrides, seed, part):
    with pytest.raises(UserError, match=part):
        train(
            dataset_dir,
            "tutorial",
            overrides,
            seed,
            tmp_path / "model",
            tmp_path / "page.html",
        )
    assert not list(tmp_path.iterdir())


CPU = Device("CPU", is_gpu=False, multiplies_bfloat16=False)
GPU = Device("GPU", is_gpu=True, multiplies_bfloat16=True)


def test_a_missing_gpu_is_a_warning(caplog):
    with caplog.at_level(logging.INFO):
        adapt(Recipe(gpu=True), GPU)
        adapt(Recipe(gpu=False), CPU)
        assert not [each for each in caplog.records if each.levelno > logging.INFO]
        adapt(Recipe(gpu=True), CPU)
    assert caplog.records[-1].levelno == logging.WARNING


def test_mixed_precision_only_where_it_pays():
    recipe = Recipe(dtype="mixed_bfloat16")
    assert adapt(recipe, GPU) == recipe
    assert adapt(recipe, CPU) == Recipe(dtype="float32")
