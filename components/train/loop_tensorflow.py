"""The compiled training loop on TensorFlow, and the one module that knows it during training."""

from typing import Any

import tensorflow as tf

from components.train.loop import RunSteps
from components.train.model import Network


def compile_steps(network: Network, jit_compile: bool) -> RunSteps:
    """Compiles many optimizer steps into one function; see `RunSteps`."""
    variables = network.model.trainable_variables

    @tf.function(jit_compile=jit_compile, autograph=False, reduce_retracing=True)
    def run_steps(images: Any, labels: Any, order: Any, learning_rates: Any) -> tuple[Any, Any]:
        def step(i: Any, total_loss: Any, total_correct: Any) -> tuple[Any, Any, Any]:
            batch = tf.gather(images, order[i]), tf.gather(labels, order[i])
            network.optimizer.learning_rate.assign(learning_rates[i])
            with tf.GradientTape() as tape:
                loss, correct = network.loss_and_correct(*batch, training=True)
            network.optimizer.apply(tape.gradient(loss, variables), variables)
            return i + 1, total_loss + loss, total_correct + correct

        zeros = tf.constant(0), tf.constant(0.0), tf.constant(0)
        _, total_loss, total_correct = tf.while_loop(
            lambda i, *_: i < tf.shape(order)[0], step, zeros, parallel_iterations=1
        )
        return total_loss, total_correct

    return run_steps


def gpus() -> list[tuple[str, tuple[int, ...]]]:
    """Lists name and compute capability of the GPUs that TensorFlow sees."""
    devices = tf.config.list_physical_devices("GPU")
    details = [tf.config.experimental.get_device_details(device) for device in devices]
    return [(each["device_name"], each.get("compute_capability", (0, 0))) for each in details]
