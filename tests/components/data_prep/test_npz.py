import io
import re
import tracemalloc
import zipfile

import numpy as np
import pytest

from components.data_prep.npz import open_npz
from components.errors import UserError

IMAGES = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4)


def read(opened):
    with opened as stream:
        return np.concatenate(list(stream.blocks()))


def npy(array):
    file = io.BytesIO()
    np.save(file, array)
    return file.getvalue()


def write_zip(path, data, compression=zipfile.ZIP_STORED):
    with zipfile.ZipFile(path, "w", compression) as archive:
        archive.writestr("x_train.npy", data)
    return path


def refusal(path):
    """The sentence by which a file is refused."""
    with pytest.raises(UserError) as raised:
        read(open_npz(path, "x_train", 3))
    assert str(path) in str(raised.value)
    return str(raised.value)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_reads_what_numpy_saved(tmp_path, save):
    save(tmp_path / "a.npz", x_train=IMAGES, y_train=np.arange(5))
    np.testing.assert_array_equal(read(open_npz(tmp_path / "a.npz", "x_train", 3)), IMAGES)
    np.testing.assert_array_equal(read(open_npz(tmp_path / "a.npz", "y_train", 1)), np.arange(5))


@pytest.mark.parametrize("dtype", ["u1", "<i2", ">i4", "<i8", ">u8"])
def test_labels_of_any_integer_type(tmp_path, dtype):
    np.savez(tmp_path / "a.npz", y_train=np.array([3, 1, 2], dtype))
    assert read(open_npz(tmp_path / "a.npz", "y_train", 1)).tolist() == [3, 1, 2]


def test_missing_key(tmp_path):
    np.savez(tmp_path / "a.npz", x_test=IMAGES)
    assert "has no array x_train" in refusal(tmp_path / "a.npz")


def test_pickled_objects_are_not_read(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=np.array([{"a": 1}], object))
    assert re.search("is object of shape .*save uint8 images", refusal(tmp_path / "a.npz"))


@pytest.mark.parametrize(
    "array", [IMAGES / 255, IMAGES.astype(np.int64), IMAGES.reshape(5, 12), IMAGES[..., None]]
)
def test_images_of_another_type_or_shape(tmp_path, array):
    np.savez(tmp_path / "a.npz", x_train=array)
    assert "save uint8 images" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize("array", [np.eye(3, dtype=int), np.array([0.0, 1.0]), np.array(["3"])])
def test_labels_of_another_type_or_shape(tmp_path, array):
    np.savez(tmp_path / "a.npz", y_train=array)
    with pytest.raises(UserError, match="save integer labels"):
        read(open_npz(tmp_path / "a.npz", "y_train", 1))


def test_fortran_order(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=np.asfortranarray(IMAGES))
    assert "Fortran order" in refusal(tmp_path / "a.npz")


def test_no_images(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=IMAGES[:0])
    assert "is empty" in refusal(tmp_path / "a.npz")


@pytest.mark.parametrize("content", [b"", b"text", b"PK\3\4 and no more"])
def test_not_a_zip(tmp_path, content):
    (tmp_path / "a.npz").write_bytes(content)
    assert re.search(r"not a whole \.npz file", refusal(tmp_path / "a.npz"))


def test_missing_file(tmp_path):
    assert "can't be read" in refusal(tmp_path / "a.npz")


def test_flipped_bit(tmp_path):
    path = write_zip(tmp_path / "a.npz", npy(IMAGES))
    data = path.read_bytes()
    path.write_bytes(data.replace(IMAGES.tobytes(), IMAGES.tobytes()[:-1] + b"\0"))
    assert re.search(r"not a whole \.npz file", refusal(path))


def test_damaged_compression(tmp_path):
    path = write_zip(tmp_path / "a.npz", npy(IMAGES), zipfile.ZIP_DEFLATED)
    data = bytearray(path.read_bytes())
    data[60:70] = bytes(10)
    path.write_bytes(data)
    assert str(path) in refusal(path)


@pytest.mark.parametrize("compression", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_that_can_not_be_unpacked_with_a_bound(tmp_path, compression):
    assert "unusual way" in refusal(write_zip(tmp_path / "a.npz", npy(IMAGES), compression))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"text",
        npy(IMAGES)[:20],
        b"\x93NUMPY\x02\x00\xff\xff\xff\xff",
        b"\x93NUMPY\x01\x00\x10\x27" + b"(" * 10000,
        npy(IMAGES).replace(b"(5, 3, 4)", b"(5, 3, x)"),
    ],
)
def test_header_that_is_none(tmp_path, data):
    assert "not a plain numpy array" in refusal(write_zip(tmp_path / "a.npz", data))


def test_negative_size(tmp_path):
    data = npy(IMAGES).replace(b"(5, 3, 4)", b"(-5,3, 4)")
    assert "is empty" in refusal(write_zip(tmp_path / "a.npz", data))


def test_body_cut_short(tmp_path):
    assert "ends early" in refusal(write_zip(tmp_path / "a.npz", npy(IMAGES)[:-1]))


def test_never_unpacks_more_than_the_header_promises(tmp_path):
    data = npy(IMAGES) + bytes(64 << 20)
    path = write_zip(tmp_path / "a.npz", data, zipfile.ZIP_DEFLATED)
    del data
    tracemalloc.start()
    assert "goes on after" in refusal(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 4 << 20
