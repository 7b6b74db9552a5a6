"""Arrays of a `.npz` file, streamed out of the archive and never unpickled."""

import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import numpy as np

from components.data_prep.streams import ArrayStream
from components.errors import UserError

# zipfile unpacks these with a bound; of the others it takes whole blocks, however large.
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)

# What numpy's parser of headers, which is ast.literal_eval with a tokenizer before it, fails with.
_HEADER_ERRORS = (
    ValueError,
    TypeError,
    SyntaxError,
    tokenize.TokenError,
    MemoryError,
    RecursionError,
)


@contextmanager
def open_images(path: Path, key: str) -> Iterator[ArrayStream]:
    """Opens an array of uint8 [n, height, width]; raises UserError if it is anything else."""
    with _open_array(path, key) as stream:
        if stream.dtype != np.uint8 or len(stream.shape) != 3:
            raise _wrong_array(stream, "uint8 images of shape [n, height, width]")
        yield stream


@contextmanager
def open_labels(path: Path, key: str) -> Iterator[ArrayStream]:
    """Opens an array of integers [n]; raises UserError if it is anything else."""
    with _open_array(path, key) as stream:
        if stream.dtype.kind not in "iu" or len(stream.shape) != 1:
            raise _wrong_array(stream, "integer labels of shape [n]")
        yield stream


def _wrong_array(stream: ArrayStream, expected: str) -> UserError:
    return UserError(
        f"{stream.name} is {stream.dtype} of shape {stream.shape}; save {expected} instead"
    )


@contextmanager
def _open_array(path: Path, key: str) -> Iterator[ArrayStream]:
    """Opens an array; what goes wrong while it is read becomes a UserError, too."""
    try:
        with zipfile.ZipFile(path) as archive, _open_member(archive, path, key) as member:
            shape, dtype = _read_header(member, f"{path}: {key}")
            yield ArrayStream(f"{path}: {key}", shape, dtype, member)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise UserError(f"{path} is not a whole .npz file; get it again") from error
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}); check the file") from error


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
    if dtype.hasobject:
        raise UserError(f"{name} holds pickled objects, which are never read; save it as integers")
    if fortran_order:
        raise UserError(f"{name} is in Fortran order; save numpy.ascontiguousarray of it")
    return shape, dtype
