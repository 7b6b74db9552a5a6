"""The compiled training loop on JAX, and the one module that knows it during training."""

from typing import Any

import jax
from keras import StatelessScope

from components.train.loop import RunSteps
from components.train.model import Network


def compile_steps(network: Network, jit_compile: bool) -> RunSteps:
    """Compiles many optimizer steps into one function; see `RunSteps`. JAX always uses XLA."""
    trainable, everything = network.model.trainable_variables, network.variables

    def loss_of(weights: Any, state: Any, images: Any, labels: Any) -> tuple[Any, Any]:
        mapping = [*zip(everything, state, strict=True), *zip(trainable, weights, strict=True)]
        with StatelessScope(mapping) as scope:
            loss, correct = network.loss_and_correct(images, labels, training=True)
        return loss, (correct, _values(scope, everything))

    def step(state: Any, images: Any, labels: Any, rate: Any) -> tuple[Any, tuple[Any, Any]]:
        weights = _values(StatelessScope(zip(everything, state, strict=True)), trainable)
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (correct, state)), gradients = gradient(weights, state, images, labels)
        with StatelessScope(zip(everything, state, strict=True)) as scope:
            network.optimizer.learning_rate.assign(rate)
            network.optimizer.apply(gradients, trainable)
        return _values(scope, everything), (loss, correct)

    @jax.jit
    def scan(state: Any, images: Any, labels: Any, order: Any, rates: Any) -> tuple[Any, Any]:
        return jax.lax.scan(
            lambda state, this: step(state, images[this[0]], labels[this[0]], this[1]),
            state,
            (order, rates),
        )

    def run_steps(images: Any, labels: Any, order: Any, learning_rates: Any) -> tuple[Any, Any]:
        state, (losses, correct) = scan(
            [variable.value for variable in everything], images, labels, order, learning_rates
        )
        for variable, value in zip(everything, state, strict=True):
            variable.assign(value)
        return losses.sum(), correct.sum()

    return run_steps


def gpus() -> list[tuple[str, tuple[int, ...]]]:
    """Lists name and compute capability of the GPUs that JAX sees."""
    devices = [device for device in jax.devices() if device.platform == "gpu"]
    return [(d.device_kind, tuple(map(int, d.compute_capability.split(".")))) for d in devices]


def _values(scope: StatelessScope, variables: list[Any]) -> list[Any]:
    """The variables' values as a scope has left them."""
    return [scope.get_current_value(variable) for variable in variables]
