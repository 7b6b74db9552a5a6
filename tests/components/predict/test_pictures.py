"""Pictures as people have them become images as the training data has them."""

import numpy as np
import pytest
from PIL import Image

from components.errors import UserError
from components.predict.pictures import read_picture, to_image

SHAPE = (28, 28)


def stroke(height=140, width=100):
    """A light bar on black, off the middle."""
    picture = np.zeros((height, width), np.float32)
    picture[20:100, 10:30] = 1
    return picture


def test_a_picture_of_any_size_fills_the_middle_as_mnist_does():
    image = to_image(stroke(), SHAPE)
    rows, columns = np.nonzero(image)
    assert image.shape == SHAPE
    assert image.dtype == np.uint8
    assert rows.max() - rows.min() + 1 == 20
    assert columns.max() - columns.min() + 1 == 5
    assert abs(rows.mean() - 13.5) <= 0.5
    assert abs(columns.mean() - 13.5) <= 0.5


def test_dark_on_light_is_the_same_as_light_on_dark():
    assert np.array_equal(to_image(stroke(), SHAPE), to_image(1 - stroke(), SHAPE))


def test_an_image_of_the_models_size_is_left_as_it_is():
    digit = np.zeros(SHAPE, np.uint8)
    digit[5:20, 12:15] = 200
    assert np.array_equal(to_image((digit / 255).astype(np.float32), SHAPE), digit)


def test_nothing_to_see_is_an_error():
    with pytest.raises(UserError, match="contrast"):
        to_image(np.full((50, 50), 0.5, np.float32), SHAPE)


@pytest.mark.parametrize("suffix", [".png", ".npy"])
def test_files_are_read_in_grey(tmp_path, suffix):
    pixels = (stroke() * 255).astype(np.uint8)
    path = tmp_path / f"digit{suffix}"
    np.save(path, pixels) if suffix == ".npy" else Image.fromarray(pixels).save(path)
    assert np.array_equal(read_picture(path), stroke())


def test_the_ink_of_a_transparent_picture_stands_out(tmp_path):
    pixels = np.zeros((140, 100, 4), np.uint8)
    pixels[..., 3] = (stroke() * 255).astype(np.uint8)
    Image.fromarray(pixels).save(tmp_path / "digit.png")
    assert np.array_equal(read_picture(tmp_path / "digit.png"), 1 - stroke())


@pytest.mark.parametrize(
    "array", [np.zeros((2, 2, 2)), np.zeros((0, 2)), np.full((2, 2), np.nan), np.full((2, 2), 300)]
)
def test_arrays_that_are_no_picture_are_refused(tmp_path, array):
    np.save(tmp_path / "digit.npy", array)
    with pytest.raises(UserError, match=r"digit\.npy"):
        read_picture(tmp_path / "digit.npy")


@pytest.mark.parametrize("content", [b"", b"not a picture", b"\x89PNG\r\n\x1a\n broken"])
def test_files_that_are_no_picture_are_refused(tmp_path, content):
    for name in ("digit.png", "digit.npy"):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(UserError, match="digit"):
            read_picture(tmp_path / name)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(UserError, match="No such file"):
        read_picture(tmp_path / "none.png")
