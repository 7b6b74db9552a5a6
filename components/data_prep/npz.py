"""Arrays of a `.npz` file, streamed out of the archive and never unpickled."""

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tokenize import TokenError
from typing import IO

import numpy as np

from components.data_prep.streams import ArrayStream
from components.errors import UserError

# zipfile unpacks these with a bound; of the others it takes whole blocks, however large.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What numpy's parser of headers, which is ast.literal_eval with a tokenizer before it, fails with.
_HEADER_ERRORS = (ValueError, TypeError, SyntaxError, TokenError, MemoryError, RecursionError)


@contextmanager
def open_npz(path: Path, key: str, num_dimensions: int) -> Iterator[ArrayStream]:
    """Opens an array of an `.npz` file.

    Args:
        path: The file.
        key: Name of the array.
        num_dimensions: 3 for images (uint8), 1 for labels (any integers).

    Yields:
        A stream; what goes wrong while it is read becomes a UserError, too.

    Raises:
        UserError: The file can't be read, or has no such array.
    """
    try:
        with zipfile.ZipFile(path) as archive, _open_member(archive, path, key) as member:
            shape, dtype = _read_header(member, f"{path}: {key}")
            stream = ArrayStream(f"{path}: {key}", shape, dtype, member)
            _require_kind(stream, num_dimensions)
            yield stream
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path} is not a whole .npz file; get it again") from error
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}); check the file") from error


def _require_kind(stream: ArrayStream, num_dimensions: int) -> None:
    if num_dimensions == 3:
        fits, expected = stream.dtype == np.uint8, "uint8 images of shape [n, height, width]"
    else:
        fits, expected = stream.dtype.kind in "iu", "integer labels of shape [n]"
    if not fits or len(stream.shape) != num_dimensions:
        raise UserError(
            f"{stream.name} is {stream.dtype} of shape {stream.shape}; save {expected} instead"
        )


def _open_member(archive: zipfile.ZipFile, path: Path, key: str) -> IO[bytes]:
    try:
        info = archive.getinfo(f"{key}.npy")
    except KeyError as error:
        raise UserError(
            f"{path} has no array {key}; save x_train, y_train, x_test and y_test in it"
        ) from error
    if info.compress_type not in _COMPRESSIONS or info.flag_bits & 1:
        raise UserError(
            f"{path} is encrypted or packed in an unusual way; save it with numpy.savez_compressed"
        )
    return archive.open(info)


def _read_header(member: IO[bytes], name: str) -> tuple[tuple[int, ...], np.dtype]:
    """Reads a header of version 1.0, whose length is bounded by its 16 bits.

    Later versions are for structured types; their headers can claim 4 GB.
    """
    try:
        version = np.lib.format.read_magic(member)
        if version != (1, 0):
            raise ValueError(f"version {version}")
        shape, fortran_order, dtype = np.lib.format.read_array_header_1_0(member)
    except _HEADER_ERRORS as error:
        raise UserError(f"{name} is not a plain numpy array; save it with numpy.savez") from error
    if fortran_order:
        raise UserError(f"{name} is in Fortran order; save numpy.ascontiguousarray of it")
    return shape, dtype
