"""The part of training that depends on Keras' backend, and how to choose it."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol

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


def check_backend(backend: str) -> None:
    """Refuses a backend that has no loop here, or is not installed; imports neither it nor Keras.

    Raises:
        UserError: Training can't run on it.
    """
    if backend not in _LOOPS:
        raise UserError(f"KERAS_BACKEND is {backend}; training needs {' or '.join(_LOOPS)}.")
    if find_spec(backend) is None:
        raise UserError(
            f"KERAS_BACKEND is {backend}, which is not installed: "
            f"pip install 'mnist-pipeline[{backend}]', or unset it."
        )


def backend_loop() -> Any:
    """Imports the module with `compile_steps` and `gpus` for Keras' backend.

    Raises:
        UserError: Keras runs on a backend that has no loop here.
    """
    import keras

    backend = keras.backend.backend()
    check_backend(backend)
    return import_module(_LOOPS[backend])
