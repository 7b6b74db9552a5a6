"""The part of training that depends on Keras' backend, and how to choose it."""

from importlib import import_module
from typing import Any, Protocol

import keras

from components.errors import UserError

_LOOPS = {"tensorflow": "components.train.loop_tensorflow", "jax": "components.train.loop_jax"}


class RunSteps(Protocol):
    """Many optimizer steps in one call, compiled."""

    def __call__(
        self, images: Any, labels: Any, order: Any, learning_rates: Any
    ) -> tuple[Any, Any]:
        """Trains; the network's variables change.

        Args:
            images: uint8 [n, pixels], on the device.
            labels: uint8 [n], on the device.
            order: int32 [steps, batch_size]: the images of each step.
            learning_rates: float32 [steps].

        Returns:
            The sum of the steps' mean losses, and the number of correct predictions.
        """


def backend_loop() -> Any:
    """Imports the module with `compile_steps` and `gpus` for Keras' backend.

    Raises:
        UserError: Keras runs on a backend that has no loop here.
    """
    backend = keras.backend.backend()
    if backend not in _LOOPS:
        raise UserError(f"KERAS_BACKEND is {backend}; training needs one of {', '.join(_LOOPS)}.")
    return import_module(_LOOPS[backend])
