"""Dense networks in Keras: layers, loss and optimizer of a recipe."""

from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
from keras import ops

from components.train.augment import Deformation
from components.train.recipe import Recipe

# Images in a block of evaluation: 13 MB of MNIST as float32.
_BLOCK = 4096


class DivideBy255(keras.layers.Layer):
    """Turns pixels 0 to 255 into float32 from 0 to 1, by a division.

    `keras.layers.Rescaling(1 / 255)` multiplies by a rounded reciprocal, and so, with or without
    XLA, does a compiled division by a constant: the last bit differs for 126 of the 256 values.
    A variable is a divisor that no compiler rewrites.
    """

    def build(self, input_shape: tuple[int | None, ...]) -> None:
        """Creates the divisor."""
        self.divisor = self.add_weight(
            shape=(), initializer=keras.initializers.Constant(255), trainable=False, name="divisor"
        )

    def call(self, images: Any) -> Any:
        """Scales uint8 or float32 of any shape."""
        return ops.cast(images, "float32") / self.divisor


@dataclass(frozen=True)
class Network:
    """What is trained, and by what.

    Attributes:
        model: uint8 [n, pixels] to float32 logits [n, classes].
        optimizer: Built on the model's trainable variables.
        loss: Of one-hot labels and logits.
        num_classes: Number of classes.
    """

    model: keras.Model
    optimizer: keras.optimizers.Optimizer
    loss: keras.losses.Loss
    num_classes: int

    @property
    def variables(self) -> list[keras.Variable]:
        """Everything that training changes, in a fixed order."""
        return [*self.model.variables, *self.optimizer.variables]

    def loss_and_correct(self, images: Any, labels: Any, training: bool) -> tuple[Any, Any]:
        """Runs the network forward.

        Args:
            images: uint8 [n, pixels].
            labels: uint8 [n].
            training: Deform, and normalise by the batch's own statistics.

        Returns:
            The mean loss and the number of correct predictions, both scalars, float32 and int32.
        """
        logits = self.model(images, training=training)
        loss = self.loss(ops.one_hot(labels, self.num_classes), logits)
        hits = ops.argmax(logits, axis=-1) == ops.cast(labels, "int32")
        return loss, ops.sum(ops.cast(hits, "int32"))

    def evaluate(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, float]:
        """Computes mean loss and accuracy over all images, the last partial block included."""
        total_loss = total_correct = 0.0
        for start in range(0, len(labels), _BLOCK):
            block = slice(start, start + _BLOCK)
            loss, correct = self.loss_and_correct(images[block], labels[block], training=False)
            total_loss += float(loss) * len(labels[block])
            total_correct += float(correct)
        return total_loss / len(labels), total_correct / len(labels)


def build_network(
    recipe: Recipe, image_shape: tuple[int, int], num_classes: int, seed: int
) -> Network:
    """Builds model, optimizer and loss; the seed decides the initial weights and deformations."""
    keras.utils.set_random_seed(seed)
    model = build_model(recipe, image_shape, num_classes)
    _initialize_kernels(model, seed)
    optimizer = keras.optimizers.Adam(
        recipe.learning_rate,
        beta_1=recipe.beta_1,
        beta_2=recipe.beta_2,
        use_ema=recipe.ema_momentum > 0,
        ema_momentum=recipe.ema_momentum or 0.99,
    )
    optimizer.build(model.trainable_variables)
    loss = keras.losses.CategoricalCrossentropy(
        from_logits=True, label_smoothing=recipe.label_smoothing
    )
    return Network(model, optimizer, loss, num_classes)


def build_model(recipe: Recipe, image_shape: tuple[int, int], num_classes: int) -> keras.Sequential:
    """Builds the layers: uint8 [n, pixels] to logits, float32 [n, classes]."""
    height, width = image_shape
    model = keras.Sequential([keras.Input((height * width,), dtype="uint8")], name=_NAME)
    if recipe.deforms:
        model.add(Deformation(image_shape, recipe))
    model.add(DivideBy255(name="divide_by_255"))
    for number, units in enumerate(recipe.hidden_units, start=1):
        for layer in _hidden_layers(recipe, units, f"hidden_{number}"):
            model.add(layer)
    model.add(keras.layers.Dense(num_classes, name="logits"))
    return model


def _initialize_kernels(model: keras.Sequential, seed: int) -> None:
    """Draws what Keras draws (Glorot and Bengio 2010), but the same numbers on every backend."""
    rng = np.random.default_rng(seed)
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dense):
            limit = np.sqrt(6 / sum(layer.kernel.shape))
            layer.kernel.assign(rng.uniform(-limit, limit, layer.kernel.shape))


def build_plain_model(kernels: list[np.ndarray], biases: list[np.ndarray]) -> keras.Sequential:
    """Builds the Dense network whose weights are exported.

    Its input is float32 [n, pixels] from 0 to 1, its output float32 logits [n, classes].
    """
    layers = [keras.layers.Dense(len(bias), activation="relu") for bias in biases[:-1]]
    output = keras.layers.Dense(len(biases[-1]))
    model = keras.Sequential([keras.Input((len(kernels[0]),)), *layers, output], name=_NAME)
    model.set_weights([array for pair in zip(kernels, biases, strict=True) for array in pair])
    return model


def _hidden_layers(recipe: Recipe, units: int, name: str) -> list[keras.layers.Layer]:
    dtype = recipe.dtype
    if not recipe.batch_normalization:
        return [keras.layers.Dense(units, activation="relu", dtype=dtype, name=name)]
    return [
        # The normalisation has its own offset.
        keras.layers.Dense(units, use_bias=False, dtype=dtype, name=name),
        keras.layers.BatchNormalization(dtype=dtype, name=f"{name}_normalization"),
        keras.layers.ReLU(dtype=dtype, name=f"{name}_relu"),
    ]


_NAME = "dense_classifier"
