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
    assert model.manifest["dataset"] == {
        "fingerprint": open_dataset(dataset_dir).fingerprint,
        "train": 340,
        "validation": 60,
    }
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


def test_a_deforming_recipe_shows_it_and_reports_averaged_weights_apart(dataset_dir, tmp_path):
    overrides = {"epochs": 1, "batch_size": 32, "hidden_units": [16]}
    outputs = tmp_path / "model", tmp_path / "page.html"
    figures = train(dataset_dir, "strong", overrides, 0, *outputs)
    averaged = load_model(tmp_path / "model").manifest["averaged"]
    assert figures["averaged_val_accuracy"] == averaged["val_accuracy"]
    page = (tmp_path / "page.html").read_text()
    assert page.count("<img") == 20


@pytest.mark.parametrize(
    ("overrides", "seed", "part"),
    [
        ({"batch_size": 341}, 0, "at most 340"),
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
