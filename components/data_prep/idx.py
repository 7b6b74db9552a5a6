"""IDX files, the format of MNIST, plain or gzipped.

The format: two zero bytes, the type of the values (8 for unsigned bytes), the number of
dimensions, their sizes as big-endian 32-bit integers, and the values in C order
(https://yann.lecun.com/exdb/mnist/).
"""

import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from components.data_prep.streams import ArrayStream, Readable
from components.errors import UserError

_PACKED_BYTES = 64 << 10


@contextmanager
def open_idx(path: Path, num_dimensions: int) -> Iterator[ArrayStream]:
    """Opens an IDX file of unsigned bytes.

    Args:
        path: The file; gzipped if its name ends with `.gz`.
        num_dimensions: 3 for images, 1 for labels.

    Yields:
        A stream of uint8.

    Raises:
        UserError: The file can't be read, or is not such a file.
    """
    try:
        packed = path.open("rb")
    except OSError as error:
        raise UserError(f"{path} can't be read ({error.strerror}); check the file") from error
    with packed:
        file: Readable = _GzipMember(packed, path) if path.suffix == ".gz" else packed
        yield ArrayStream(
            str(path), _read_header(file, path, num_dimensions), np.dtype(np.uint8), file
        )


def _read_header(file: Readable, path: Path, num_dimensions: int) -> tuple[int, ...]:
    length = 4 + 4 * num_dimensions
    header = file.read(length)
    if len(header) < length:
        raise UserError(f"{path} ends within its header of {length} bytes; get the file again")
    expected = bytes([0, 0, 8, num_dimensions])
    if header[:4] != expected:
        raise UserError(
            f"{path} is not an IDX file of unsigned bytes with {num_dimensions} dimensions: it "
            f"starts with {header[:4].hex()} instead of {expected.hex()}; "
            "get the file again or write it so"
        )
    return struct.unpack(f">{num_dimensions}I", header[4:])


class _GzipMember:
    """Unpacks a gzip file of one member, never more of it than is asked for.

    Python's gzip module appends further members without a word.
    """

    def __init__(self, packed: Readable, path: Path) -> None:
        self._packed = packed
        self._path = path
        self._inflate = zlib.decompressobj(wbits=16 + zlib.MAX_WBITS)

    def read(self, size: int, /) -> bytes:
        data = bytearray()
        while len(data) < size and not self._inflate.eof:
            packed = self._inflate.unconsumed_tail or self._packed.read(_PACKED_BYTES)
            if not packed:
                raise UserError(f"{self._path} is cut short; get the file again")
            try:
                data += self._inflate.decompress(packed, size - len(data))
            except zlib.error as error:
                raise UserError(f"{self._path} is not a whole gzip file; get it again") from error
        if len(data) < size and (self._inflate.unused_data or self._packed.read(1)):
            raise UserError(
                f"{self._path} goes on after its first gzip member; pack it again as one member"
            )
        return bytes(data)
