from dataclasses import fields

import pytest

from components.errors import UserError
from components.train.recipe import DESCRIPTIONS, RECIPES, Recipe, parse_overrides, resolve


def test_the_tutorial_is_what_the_tutorial_does():
    recipe = resolve("tutorial", {})
    assert (recipe.hidden_units, recipe.epochs, recipe.batch_size) == ((256,), 5, 32)
    assert (recipe.learning_rate, recipe.schedule, recipe.label_smoothing) == (0.001, "constant", 0)
    assert not recipe.deforms


def test_every_recipe_is_described_and_passes_its_own_checks():
    assert RECIPES.keys() == DESCRIPTIONS.keys()
    for name, recipe in RECIPES.items():
        values = {field.name: getattr(recipe, field.name) for field in fields(Recipe)}
        assert resolve(name, values) == recipe


def test_overrides_arrive_as_kfp_delivers_them():
    recipe = resolve("fast", {"epochs": 7.0, "hidden_units": [512.0, 256.0], "learning_rate": 1})
    assert (recipe.epochs, recipe.hidden_units) == (7, (512, 256))
    assert type(recipe.epochs) is int and type(recipe.learning_rate) is float


def test_settings_are_typed_by_their_field():
    settings = ["epochs=3", "hidden_units=512,256", "learning_rate = 1e-2", "gpu=True"]
    assert parse_overrides([*settings, "dtype=float32"]) == {
        "epochs": 3,
        "hidden_units": [512, 256],
        "learning_rate": 0.01,
        "gpu": True,
        "dtype": "float32",
    }


@pytest.mark.parametrize(
    ("setting", "part"),
    [
        ("epochs", "key=value"),
        ("epoch=3", "hidden_units, batch_normalization, epochs"),
        ("epochs=three", "epochs can't be 'three'"),
        ("epochs=0", "from 1"),
        ("epochs=2.5", "whole number"),
        ("epochs=inf", "epochs"),
        ("batch_size=nan", "batch_size"),
        ("learning_rate=-1", "learning_rate"),
        ("learning_rate=0", "learning_rate"),
        ("hidden_units=", "hidden_units"),
        ("hidden_units=100,0", "hidden_units"),
        ("schedule=cosine", "constant or triangular"),
        ("jit_compile=1", "true or false"),
        ("label_smoothing=1", "label_smoothing"),
    ],
)
def test_a_wrong_setting_is_explained(setting, part):
    with pytest.raises(UserError, match=part):
        parse_overrides([setting])


@pytest.mark.parametrize(
    "overrides",
    [{"epochs": True}, {"epochs": "3"}, {"gpu": 1}, {"dtype": 32}, {"hidden_units": 5}, {"x": 1}],
)
def test_a_value_of_the_wrong_type_is_refused(overrides):
    with pytest.raises(UserError, match=next(iter(overrides))):
        resolve("fast", overrides)


def test_an_unknown_recipe_names_the_known_ones():
    with pytest.raises(UserError, match="tutorial, fast, strong, record"):
        resolve("best", {})
