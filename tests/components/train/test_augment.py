import keras
import numpy as np
import pytest

from components.train.augment import Deformation, elastic_basis, resample
from components.train.recipe import Recipe

SHAPE = (5, 7)


@pytest.fixture
def images():
    return np.random.default_rng(0).integers(0, 256, (3, 35), dtype=np.uint8)


def read_at(images, dy, dx):
    y, x = np.indices(SHAPE, np.float32).reshape(2, -1)
    shifted = resample(images, np.tile(y + dy, (3, 1)), np.tile(x + dx, (3, 1)), SHAPE)
    return np.asarray(shifted).reshape(3, *SHAPE)


def test_reading_at_the_pixels_changes_nothing(images):
    assert np.array_equal(read_at(images, 0, 0), images.reshape(3, *SHAPE))


def test_reading_elsewhere_shifts_and_outside_is_black(images):
    expected = np.zeros((3, *SHAPE))
    expected[:, :-1, 2:] = images.reshape(3, *SHAPE)[:, 1:, :-2]
    assert np.array_equal(read_at(images, 1, -2), expected)
    assert not read_at(images, 100, -100).any()


def test_reading_between_pixels_is_bilinear():
    image = np.zeros((3, 35), np.uint8)
    image.reshape(3, *SHAPE)[:, 2, 3] = 160
    found = read_at(image, 0.25, 0.5)
    expected = np.zeros(SHAPE)
    expected[1:3, 2:4] = [[20, 20], [60, 60]]  # a quarter and three quarters, halved
    assert np.array_equal(found, np.broadcast_to(expected, found.shape))


def test_displacements_are_those_of_smoothed_uniform_noise():
    """Against Simard's own procedure: 4,000 fields of noise, filtered."""
    sigma, alpha, size = 2.0, 10.0, 8
    rng = np.random.default_rng(0)
    offsets = np.arange(-10, 11)
    kernel = np.exp(-0.5 * (offsets / sigma) ** 2)
    kernel /= kernel.sum()
    noise = rng.uniform(-1, 1, (4000, size + 20, size + 20))
    windows = np.lib.stride_tricks.sliding_window_view(noise, 21, axis=1) @ kernel
    fields = alpha * (np.lib.stride_tricks.sliding_window_view(windows, 21, axis=2) @ kernel)
    fields = fields.reshape(4000, -1)

    basis = elastic_basis((size, size), sigma, alpha).astype(np.float64)
    assert basis.T @ basis == pytest.approx(fields.T @ fields / 4000, abs=0.06 * fields.var())


def test_the_strength_of_the_recipes_is_a_pixel_or_so():
    basis = elastic_basis((28, 28), 5.5, 37)
    assert np.sqrt((basis**2).sum(axis=0)) == pytest.approx(1.1, abs=0.02)


def deform(images, shape, **strengths):
    keras.utils.set_random_seed(0)
    layer = Deformation(shape, Recipe(**strengths))
    return np.asarray(layer(images, training=True)).reshape(-1, *shape)


def source_map(**strengths):
    """Where the middle pixel's neighbours to the right and below come from, relative to it.

    Read off images whose brightness is ten times the row, or the column.
    """
    y, x = np.indices((15, 15), dtype=np.uint8) * 10
    rows, columns = (
        deform(np.tile(ramp.reshape(1, -1), (300, 1)), (15, 15), **strengths) / 10
        for ramp in (y, x)
    )
    right = rows[:, 7, 8] - rows[:, 7, 7], columns[:, 7, 8] - columns[:, 7, 7]
    below = rows[:, 8, 7] - rows[:, 7, 7], columns[:, 8, 7] - columns[:, 7, 7]
    return right, below


def test_affine_is_a_horizontal_shear_and_then_a_rotation():
    right, below = source_map(rotation=20)
    rotation = np.arctan2(*right)
    assert np.hypot(*right) == pytest.approx(1, abs=1e-4)
    upright = below[0] * np.cos(rotation) - below[1] * np.sin(rotation)
    sheared = below[0] * np.sin(rotation) + below[1] * np.cos(rotation)
    assert upright == pytest.approx(1, abs=1e-4)
    for angle in (np.degrees(rotation), np.degrees(np.arctan(sheared))):
        assert 19 < angle.max() < 20.01 and -20.01 < angle.min() < -19
        assert angle.mean() == pytest.approx(0, abs=2)


def test_zoom_changes_the_size_by_its_share():
    images = np.zeros((200, 21, 21), np.uint8)
    images[:, 5:16, 5:16] = 255
    widths = deform(images.reshape(200, -1), (21, 21), zoom=0.2)[:, 10].sum(axis=1) / 255
    assert 11 / 1.2 - 0.3 < widths.min() < 9.7
    assert 12.8 < widths.max() < 11 / 0.8 + 0.3


def test_every_image_and_every_epoch_is_deformed_in_its_own_way(digits):
    layer = Deformation((28, 28), Recipe(elastic_alpha=37))
    images = np.tile(digits.images[:1], (2, 1))
    first, second = (np.asarray(layer(images, training=True)) for _ in range(2))
    assert (first[0] != first[1]).any() and (first != second).any()
    assert np.array_equal(layer(images), images)
