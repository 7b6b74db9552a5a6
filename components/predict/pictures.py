"""Pictures as people have them, made into the images that a model was trained on."""

import warnings
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from components.errors import UserError

# MNIST's own preparation: the digit fills 20 of 28 pixels, its centre of mass is in the middle
# (LeCun et al. 1998, "Gradient-based learning applied to document recognition").
_FILLED = 20 / 28
_FAINTEST = 0.1  # of the darkest ink; less is noise of paper or JPEG
_LOWEST_CONTRAST = 0.1


def read_picture(path: Path) -> np.ndarray:
    """Reads a picture in grey.

    Args:
        path: A PNG or JPEG file, or a `.npy` file of one picture [height, width]: bytes, other
            whole numbers from 0 to 255, or floats from 0 to 1.

    Returns:
        float32 [height, width] from 0 (black) to 1 (white).

    Raises:
        UserError: If it is no such file.
    """
    try:
        return _read_array(path) if path.suffix == ".npy" else _read_image(path)
    except (OSError, ValueError, SyntaxError, EOFError, Image.DecompressionBombError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else error
        raise UserError(
            f"Can't read {path} ({reason}): give a PNG, a JPEG or a .npy file of one picture."
        ) from error


def to_image(picture: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
    """Makes a picture into an image as in the training data: light on black, centred.

    One that has the model's size already is only inverted where it is dark on light.

    Args:
        picture: float32 [height, width] from 0 to 1, of any size.
        image_shape: Height and width that the model takes.

    Returns:
        uint8 [height, width] of `image_shape`.

    Raises:
        UserError: If there is nothing to see in it.
    """
    border = np.concatenate([picture[0], picture[-1], picture[:, 0], picture[:, -1]])
    background = float(np.median(border))
    above, below = float(picture.max()) - background, background - float(picture.min())
    if max(above, below) < _LOWEST_CONTRAST:
        raise UserError("there is nothing to see in it; give a picture with more contrast")
    is_dark_on_light = below > above
    if picture.shape == image_shape:
        return _to_bytes(1 - picture if is_dark_on_light else picture)
    ink = (background - picture) / below if is_dark_on_light else (picture - background) / above
    return _to_bytes(_centred(_fitted(np.where(ink < _FAINTEST, 0, ink), image_shape), image_shape))


def _read_array(path: Path) -> np.ndarray:
    array = np.load(path, allow_pickle=False)
    if array.ndim != 2 or not array.size or array.dtype.kind not in "uif":
        raise ValueError(f"{array.dtype} of shape {array.shape} are no pixels [height, width]")
    limit = 1 if array.dtype.kind == "f" else 255
    if not (array.min() >= 0 and array.max() <= limit):  # NaN is refused too
        raise ValueError(f"its values are not all from 0 to {limit}")
    return (array / limit).astype(np.float32)


def _read_image(path: Path) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        with Image.open(path, formats=["PNG", "JPEG"]) as file:
            upright = ImageOps.exif_transpose(file)
            if upright.mode.startswith("I"):  # 16 bits; Pillow would clip them
                return np.asarray(upright, np.float32) / 65535
            return _opaque(upright.convert("LA"))


def _opaque(image: Image.Image) -> np.ndarray:
    """Puts a picture on a background from which what it shows stands out."""
    grey, alpha = (np.asarray(band, np.float32) / 255 for band in image.split())
    ink = float((grey * alpha).sum() / alpha.sum()) if alpha.any() else 0.0
    paper = 0.0 if ink > 0.5 else 1.0
    return grey * alpha + paper * (1 - alpha)


def _fitted(ink: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
    """Cuts out what is drawn and scales it, in its proportions, to the size in the data."""
    rows, columns = (np.flatnonzero(ink.max(axis=axis) > 0) for axis in (1, 0))
    drawn = ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    scale = min(
        _FILLED * side / length for side, length in zip(image_shape, drawn.shape, strict=True)
    )
    height, width = (max(1, round(length * scale)) for length in drawn.shape)
    small = Image.fromarray(drawn.astype(np.float32)).resize(
        (width, height), Image.Resampling.BICUBIC
    )
    return np.clip(np.asarray(small), 0, 1)


def _centred(drawn: np.ndarray, image_shape: tuple[int, int]) -> np.ndarray:
    """Puts it on black, its centre of mass as near to the middle as its edges allow."""
    image = np.zeros(image_shape, np.float32)
    corner = []
    for axis, (side, length) in enumerate(zip(image_shape, drawn.shape, strict=True)):
        middle = np.average(np.arange(length), weights=drawn.sum(axis=1 - axis))
        corner.append(int(np.clip(round((side - 1) / 2 - middle), 0, side - length)))
    top, left = corner
    image[top : top + drawn.shape[0], left : left + drawn.shape[1]] = drawn
    return image


def _to_bytes(image: np.ndarray) -> np.ndarray:
    return (image * 255).round().astype(np.uint8)
