"""Deformation of training images, on the device and inside the compiled loop."""

from typing import Any

import keras

from components.train.recipe import Recipe


class Deformation(keras.layers.Layer):
    """Placeholder until the next change."""

    def __init__(self, image_shape: tuple[int, int], recipe: Recipe) -> None:
        """Args: height and width in pixels, and the recipe with the strengths."""
        super().__init__()

    def call(self, images: Any, training: bool = False) -> Any:
        """Deforms."""
        return images
