"""Deformation of training images: elastic and affine, on the device, in the compiled loop.

The elastic part is that of Simard, Steinkraus and Platt (2003, "Best practices for convolutional
neural networks applied to visual document analysis"): every pixel takes its value from a place
nearby, displaced by uniform noise that is smoothed by a Gaussian. The affine part, and the
strengths in the recipes, are those of Cireşan et al. (2010, arXiv:1003.0358), but for their
special treatment of the digits 1 and 7: data of another kind has other classes.
"""

from typing import Any

import keras
import numpy as np
from keras import ops

from components.train.recipe import Recipe

# Share of the displacement's variance along an axis that `smooth_basis` keeps.
_KEPT_VARIANCE = 0.999


class Deformation(keras.layers.Layer):
    """Deforms each image of a batch in its own way while training; else returns it as it is."""

    def __init__(self, image_shape: tuple[int, int], recipe: Recipe) -> None:
        """Args: height and width in pixels, and the recipe with the strengths."""
        super().__init__(name="deformation")
        self._image_shape = image_shape
        self._angle = float(np.radians(recipe.rotation))
        self._zoom = recipe.zoom
        self._elastic_basis = elastic_basis(image_shape, recipe.elastic_sigma, recipe.elastic_alpha)
        # Its state is a variable of the model, and so a part of every checkpoint.
        self._seeds = keras.random.SeedGenerator()

    def call(self, images: Any, training: bool = False) -> Any:
        """Deforms the images.

        Args:
            images: uint8 [n, height * width].
            training: Whether to.

        Returns:
            float32 of the same shape, 0 to 255; the images themselves when not training.
        """
        if not training:
            return images
        count = ops.shape(images)[0]
        y, x = np.indices(self._image_shape, np.float32).reshape(2, -1)
        elastic_y, elastic_x = self._elastic(count), self._elastic(count)
        affine_y, affine_x = self._affine(count, y - y.mean(), x - x.mean())
        return resample(
            images, y + affine_y + elastic_y, x + affine_x + elastic_x, self._image_shape
        )

    def _elastic(self, count: Any) -> Any:
        """Draws smooth displacements along one axis, in pixels: float32 [n, height * width]."""
        noise = keras.random.normal((count, len(self._elastic_basis)), seed=self._seeds)
        return noise @ self._elastic_basis

    def _affine(self, count: Any, y: np.ndarray, x: np.ndarray) -> tuple[Any, Any]:
        """Draws displacements by rotation, horizontal shear and zoom about the centre.

        Args:
            count: Number of images.
            y: float32 [pixels], vertical distance from the centre in pixels.
            x: The same, horizontally.

        Returns:
            Vertical and horizontal displacements in pixels, float32 [n, pixels].
        """
        rotation, shear, zoom_y, zoom_x = ops.split(
            keras.random.uniform((count, 4), -1, 1, seed=self._seeds), 4, axis=1
        )
        sine, cosine = ops.sin(self._angle * rotation), ops.cos(self._angle * rotation)
        slanted = x + ops.tan(self._angle * shear) * y
        wide, high = (1 + self._zoom * zoom_x) * slanted, (1 + self._zoom * zoom_y) * y
        return cosine * high + sine * wide - y, cosine * wide - sine * high - x


def elastic_basis(image_shape: tuple[int, int], sigma: float, alpha: float) -> np.ndarray:
    """Computes what turns normal noise into smooth displacements.

    Uniform noise from -1 to 1 of each pixel, smoothed by a Gaussian and multiplied by alpha, is
    a sum of so many terms that it is normal itself. So it is drawn from its principal
    components, of which some ten along each axis hold all but a thousandth of the variance:
    a few dozen random numbers an image instead of one a pixel, and no convolution.

    Args:
        image_shape: Height and width in pixels.
        sigma: Standard deviation of the Gaussian, in pixels.
        alpha: Strength; 37 at a sigma of 5.5 displaces by 1.1 pixels, root mean square.

    Returns:
        float32 [components, height * width]; its product with standard normal noise
        [n, components] is the displacement along one axis, in pixels.
    """
    along_y, along_x = (_smooth_components(size, sigma) for size in image_shape)
    uniform_deviation = 1 / np.sqrt(3)
    return (alpha * uniform_deviation * np.kron(along_y, along_x)).astype(np.float32)


def _smooth_components(size: int, sigma: float) -> np.ndarray:
    """Principal components [k, size] of white noise along an axis, smoothed by a Gaussian."""
    # Noise from beyond the border counts: the displacement is as large there as in the middle.
    reach = int(4 * sigma) + 1
    distance = np.arange(size)[:, None] - np.arange(-reach, size + reach)
    smoothing = np.exp(-0.5 * (distance / sigma) ** 2)
    smoothing /= smoothing.sum(axis=1, keepdims=True)
    components, deviations, _ = np.linalg.svd(smoothing, full_matrices=False)
    kept = np.cumsum(deviations**2) / np.sum(deviations**2)
    count = int(np.searchsorted(kept, _KEPT_VARIANCE)) + 1
    return (components * deviations).T[:count]


def resample(images: Any, y: Any, x: Any, image_shape: tuple[int, int]) -> Any:
    """Reads images between their pixels, by bilinear interpolation; outside, they are 0.

    Args:
        images: uint8 [n, height * width].
        y: float32 [n, height * width], the row from which each pixel takes its value.
        x: The same for columns.
        image_shape: Height and width in pixels.

    Returns:
        float32 [n, height * width].
    """
    height, width = image_shape
    corners = _corners(ops.reshape(images, (-1, height, width)))
    top, down = _cell(y, height)
    left, right = _cell(x, width)
    first_of_image = ops.expand_dims(ops.arange(ops.shape(images)[0]), 1)
    cells = (first_of_image * (height + 1) + top) * (width + 1) + left
    values = ops.cast(ops.take(corners, cells, axis=0), "float32")
    upper = values[..., 0] * (1 - right) + values[..., 1] * right
    lower = values[..., 2] * (1 - right) + values[..., 3] * right
    return upper * (1 - down) + lower * down


def _corners(images: Any) -> Any:
    """Lines up the four pixels around each cell, so that one look-up fetches them all.

    Returns:
        uint8 [n * (height + 1) * (width + 1), 4]; cell (0, 0) lies before the first row and
        column, where the image is 0.
    """
    padded = ops.pad(images, ((0, 0), (1, 1), (1, 1)))
    upper, lower = padded[:, :-1], padded[:, 1:]
    corners = [upper[..., :-1], upper[..., 1:], lower[..., :-1], lower[..., 1:]]
    return ops.reshape(ops.stack(corners, axis=-1), (-1, 4))


def _cell(position: Any, size: int) -> tuple[Any, Any]:
    """Splits positions into the cell, int32 from 0 to size, and the share of the way through."""
    position = ops.clip(position, -1, size) + 1
    cell = ops.minimum(ops.floor(position), size)
    return ops.cast(cell, "int32"), position - cell
