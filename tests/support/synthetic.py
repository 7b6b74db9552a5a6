"""Small data sources made of real digits: `from synthetic import write_source`."""

import gzip
import struct
from pathlib import Path

import numpy as np

MNIST = Path(__file__).parents[2] / "components" / "data_prep" / "mnist"
_IDX_TYPES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D}


def idx_bytes(array):
    """An array in the IDX format: magic, sizes, then the values, all big-endian."""
    magic = bytes([0, 0, _IDX_TYPES[array.dtype.name], array.ndim])
    sizes = struct.pack(f">{array.ndim}I", *array.shape)
    return magic + sizes + array.astype(array.dtype.newbyteorder(">")).tobytes()


def write_idx(path, array):
    """Writes an IDX file, gzipped if its name ends with `.gz`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = idx_bytes(array)
    path.write_bytes(gzip.compress(data, 1, mtime=0) if path.suffix == ".gz" else data)
    return path


def write_pair(folder, prefix, images, labels, suffix=".gz"):
    """Writes `<prefix>-images-idx3-ubyte` and `<prefix>-labels-idx1-ubyte`."""
    write_idx(folder / f"{prefix}-images-idx3-ubyte{suffix}", images)
    write_idx(folder / f"{prefix}-labels-idx1-ubyte{suffix}", labels)


def shipped(prefix, count):
    """The first images (uint8 [count, 28, 28]) and labels of MNIST's `train` or `t10k`."""
    with gzip.open(MNIST / f"{prefix}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16)
    with gzip.open(MNIST / f"{prefix}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count), np.uint8, offset=8)
    return images.reshape(-1, 28, 28), labels


def write_source(folder, n_train=400, n_test=100, seed=0):
    """Writes a folder of real digits that a small network can learn.

    The seed draws them from the first 6,000 training and 2,000 test digits.
    """
    rng = np.random.default_rng(seed)
    for prefix, count, pool in (("train", n_train, 6000), ("t10k", n_test, 2000)):
        images, labels = shipped(prefix, max(count, pool))
        chosen = rng.choice(len(images), count, replace=False)
        write_pair(folder, prefix, images[chosen], labels[chosen])
    return folder
