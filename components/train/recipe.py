"""Recipes: everything that decides how a network is trained, but for data and seed.

Imports neither Keras nor TensorFlow, so that a command line can check a recipe at once.
"""

import math
from collections.abc import Iterable, Mapping
from dataclasses import Field, dataclass, field, fields, replace
from typing import Any, get_type_hints

from components.errors import UserError


def _within(low: float, high: float, default: Any) -> Any:
    """A number, or numbers, from low to high, both included."""
    return field(default=default, metadata={"within": (low, high)})


def _one_of(*choices: str) -> Any:
    """One of some names, the first by default."""
    return field(default=choices[0], metadata={"choices": choices})


@dataclass(frozen=True)
class Recipe:
    """How to train a Dense network; the fields are called what Keras calls them.

    Attributes:
        hidden_units: Units of each hidden layer; its activation is relu.
        batch_normalization: Normalise before each activation; folded into the kernels at export.
        epochs: Passes over the training images.
        batch_size: Images in a step of the optimizer, Adam.
        learning_rate: Adam's, at its peak.
        schedule: "constant", or "triangular": up to the peak and down to zero, both linearly.
        warmup: Share of all steps in which the triangular schedule rises.
        beta_1: Decay of Adam's first moment.
        beta_2: Decay of its second.
        label_smoothing: Share of each label that is spread over all classes.
        ema_momentum: Above 0, weights are averaged with this momentum; the average is exported
            unless the last weights do better on the validation images.
        dtype: Keras' dtype policy; "mixed_bfloat16" rounds the factors of matrix products.
        jit_compile: Compile with XLA: faster steps for a second or more of compiling.
        elastic_sigma: Smoothness of elastic deformation, in pixels.
        elastic_alpha: Strength of elastic deformation, as Simard et al. define it; 0 is none.
        rotation: Largest rotation in degrees, either way; shear is as large.
        zoom: Largest change of height and of width, either way, as a share.
        gpu: Meant for a GPU; training warns when there is none.
    """

    hidden_units: tuple[int, ...] = _within(1, 65536, (256,))
    batch_normalization: bool = False
    epochs: int = _within(1, 100_000, 5)
    batch_size: int = _within(1, 1_000_000, 32)
    learning_rate: float = _within(1e-8, 10, 1e-3)
    schedule: str = _one_of("constant", "triangular")
    warmup: float = _within(0, 1, 0.3)
    beta_1: float = _within(0, 0.999_999, 0.9)
    beta_2: float = _within(0, 0.999_999, 0.999)
    label_smoothing: float = _within(0, 0.9, 0)
    ema_momentum: float = _within(0, 0.999_999, 0)
    dtype: str = _one_of("float32", "mixed_bfloat16")
    jit_compile: bool = False
    elastic_sigma: float = _within(0.5, 100, 5.5)
    elastic_alpha: float = _within(0, 1000, 0)
    rotation: float = _within(0, 90, 0)
    zoom: float = _within(0, 0.9, 0)
    gpu: bool = False

    @property
    def deforms(self) -> bool:
        """Whether training images are deformed."""
        return any((self.elastic_alpha, self.rotation, self.zoom))


DEFAULT_RECIPE = "fast"

_FAST = Recipe(
    epochs=4,
    batch_size=512,
    learning_rate=0.015,
    schedule="triangular",
    warmup=0.15,
    beta_1=0.8,
    beta_2=0.95,
    label_smoothing=0.05,
    dtype="mixed_bfloat16",
)
_STRONG = Recipe(
    hidden_units=(1024, 1024),
    batch_normalization=True,
    epochs=60,
    batch_size=256,
    learning_rate=2e-3,
    schedule="triangular",
    warmup=0.1,
    label_smoothing=0.02,
    ema_momentum=0.999,
    dtype="mixed_bfloat16",
    jit_compile=True,
    elastic_alpha=37,
    rotation=10.5,
    zoom=0.12,
)
_RECORD = replace(
    _STRONG,
    hidden_units=(2500, 2000, 1500, 1000, 500),
    epochs=400,
    batch_size=512,
    learning_rate=1e-3,
    warmup=0.05,
    rotation=15,
    zoom=0.15,
    gpu=True,
)

RECIPES: Mapping[str, Recipe] = {
    "tutorial": Recipe(jit_compile=True),
    "fast": _FAST,
    "strong": _STRONG,
    "record": _RECORD,
}

DESCRIPTIONS: Mapping[str, str] = {
    "tutorial": "The Keras tutorial's network and mathematics: 97.6 % in some seconds.",
    "fast": "The same network, larger batches and steps: 98.4 % in a second or two.",
    "strong": "Two wide layers, deformed digits: 99.5 % in some minutes on two cores.",
    "record": "The network of Cireşan et al. (2010, arXiv:1003.0358), made for a GPU.",
}


def resolve(name: str, overrides: Mapping[str, Any]) -> Recipe:
    """Finds a recipe and changes some of its fields.

    Args:
        name: Key of `RECIPES`.
        overrides: Values by field name. Whole floats pass for ints, and lists for tuples, because
            that is what KFP makes of them.

    Raises:
        UserError: The recipe or a field is unknown, or a value is of the wrong type or range.
    """
    if name not in RECIPES:
        raise UserError(f"There is no recipe {name!r}; choose one of {', '.join(RECIPES)}.")
    return replace(
        RECIPES[name], **{key: _checked(_field(key), value) for key, value in overrides.items()}
    )


def check_seed(seed: int) -> None:
    """Refuses a seed that NumPy and Keras would refuse.

    Raises:
        UserError: It is not from 0 to 2**32 - 1.
    """
    if not 0 <= seed < 2**32:
        raise UserError(f"seed can't be {seed}; give a whole number from 0 to {2**32 - 1}.")


def parse_overrides(settings: Iterable[str]) -> dict[str, Any]:
    """Reads settings such as ``epochs=3`` and ``hidden_units=512,256``.

    Returns:
        Values by field name, ready for JSON.

    Raises:
        UserError: A setting has no "=", an unknown field, or a value that does not fit the field.
    """
    overrides = {}
    for setting in settings:
        key, equals, text = setting.partition("=")
        if not equals:
            raise UserError(f"{setting!r} is no setting; write it as key=value.")
        option = _field(key.strip())
        value = _checked(option, _parsed(option, text.strip()))
        overrides[option.name] = list(value) if isinstance(value, tuple) else value
    return overrides


def _field(key: str) -> Field[Any]:
    known = {option.name: option for option in fields(Recipe)}
    if key not in known:
        raise UserError(f"A recipe has no field {key!r}; its fields are {', '.join(known)}.")
    return known[key]


def _parsed(option: Field[Any], text: str) -> Any:
    """Turns text into a value of the kind that JSON would hold."""
    kind = _TYPES[option.name]
    try:
        if kind is str:
            return text
        if kind is bool:
            return {"true": True, "false": False}[text.lower()]
        if kind == tuple[int, ...]:
            return [float(part) for part in text.split(",")]
        return float(text)
    except (KeyError, ValueError) as error:
        raise _misfit(option, text) from error


def _checked(option: Field[Any], value: Any) -> Any:
    """Converts a value to the field's type, and checks its range."""
    kind = _TYPES[option.name]
    if kind in (bool, str):
        if type(value) is not kind or value not in option.metadata.get("choices", (value,)):
            raise _misfit(option, value)
        return value
    if kind == tuple[int, ...]:
        if not isinstance(value, list | tuple) or not value:
            raise _misfit(option, value)
        return tuple(_number(option, int, part) for part in value)
    return _number(option, kind, value)


def _number(option: Field[Any], kind: type, value: Any) -> float:
    low, high = option.metadata["within"]
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise _misfit(option, value)
    # NaN fails the comparison too.
    if not low <= value <= high or (kind is int and not math.floor(value) == value):
        raise _misfit(option, value)
    return kind(value)


def _misfit(option: Field[Any], value: Any) -> UserError:
    kind = _TYPES[option.name]
    if kind is bool:
        wanted = "true or false"
    elif kind is str:
        wanted = " or ".join(option.metadata["choices"])
    else:
        low, high = option.metadata["within"]
        noun = {int: "a whole number", float: "a number"}.get(kind, "whole numbers, comma between,")
        wanted = f"{noun} from {low:g} to {high:g}"
    return UserError(f"{option.name} can't be {value!r}; give {wanted}.")


_TYPES = get_type_hints(Recipe)
