import gzip
import tracemalloc

import numpy as np
import pytest
from synthetic import idx_bytes, write_idx

from components.data_prep.idx import open_idx
from components.errors import UserError

IMAGES = np.arange(5 * 3 * 4, dtype=np.uint8).reshape(5, 3, 4)


def read(path, num_dimensions=3):
    with open_idx(path, num_dimensions) as stream:
        return np.concatenate(list(stream.blocks()))


def assert_refused(path, match, num_dimensions=3):
    with pytest.raises(UserError, match=match) as raised:
        read(path, num_dimensions)
    assert str(path) in str(raised.value)


@pytest.mark.parametrize("name", ["images", "images.gz"])
@pytest.mark.parametrize("array", [IMAGES, IMAGES[:, 0, 0]], ids=["images", "labels"])
def test_reads_what_was_written(tmp_path, name, array):
    path = write_idx(tmp_path / name, array)
    np.testing.assert_array_equal(read(path, array.ndim), array)


def test_reads_more_than_a_block(tmp_path):
    array = np.random.default_rng(0).integers(0, 256, (9000, 28, 28), np.uint8)
    path = write_idx(tmp_path / "images.gz", array)
    with open_idx(path, 3) as stream:
        blocks = list(stream.blocks())
    assert max(block.nbytes for block in blocks) <= 4 << 20
    np.testing.assert_array_equal(np.concatenate(blocks), array)


def test_missing_file(tmp_path):
    assert_refused(tmp_path / "images", "can't be read")


@pytest.mark.parametrize("start", [b"\x1f\x8b\x08\x03", b"\0\1\x08\3", b"\0\0\x08\1", b"text"])
def test_wrong_magic(tmp_path, start):
    path = tmp_path / "images"
    path.write_bytes(start + idx_bytes(IMAGES)[4:])
    assert_refused(path, f"it starts with {start.hex()} instead of 00000803")


@pytest.mark.parametrize("dtype", ["int8", "int16", "int32", "float32"])
def test_wrong_type(tmp_path, dtype):
    assert_refused(write_idx(tmp_path / "images", IMAGES.astype(dtype)), "unsigned bytes")


@pytest.mark.parametrize("length", [0, 1, 4, 15])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_header_cut_short(tmp_path, length, pack):
    path = tmp_path / ("images" if pack is bytes else "images.gz")
    path.write_bytes(pack(idx_bytes(IMAGES)[:length]))
    assert_refused(path, "ends within its header of 16 bytes")


@pytest.mark.parametrize("length", [16, 17, 75])
@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_body_cut_short(tmp_path, length, pack):
    path = tmp_path / ("images" if pack is bytes else "images.gz")
    path.write_bytes(pack(idx_bytes(IMAGES)[:length]))
    assert_refused(path, "ends early")


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_trailing_bytes(tmp_path, pack):
    path = tmp_path / ("images" if pack is bytes else "images.gz")
    path.write_bytes(pack(idx_bytes(IMAGES) + b"\0"))
    assert_refused(path, "goes on after")


def test_gzip_cut_short_anywhere(tmp_path):
    path = tmp_path / "images.gz"
    whole = gzip.compress(idx_bytes(IMAGES))
    for length in range(len(whole)):
        path.write_bytes(whole[:length])
        assert_refused(path, "cut short")


def test_gzip_with_a_flipped_bit_in_its_data_or_checksum(tmp_path):
    path = tmp_path / "images.gz"
    noise = np.random.default_rng(0).integers(0, 256, (50, 10, 10), np.uint8)
    whole = gzip.compress(idx_bytes(noise))
    for position in (len(whole) // 2, len(whole) - 8, len(whole) - 4):
        damaged = bytearray(whole)
        damaged[position] ^= 1
        path.write_bytes(damaged)
        with pytest.raises(UserError, match=r"images\.gz"):
            read(path)


def test_not_gzip_at_all(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(idx_bytes(IMAGES))
    assert_refused(path, "not a whole gzip file")


@pytest.mark.parametrize("rest", [b"", idx_bytes(IMAGES)])
def test_second_gzip_member(tmp_path, rest):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(IMAGES)) + gzip.compress(rest))
    assert_refused(path, "goes on after its first gzip member")


def test_body_split_over_two_gzip_members(tmp_path):
    path = tmp_path / "images.gz"
    data = idx_bytes(IMAGES)
    path.write_bytes(gzip.compress(data[:40]) + gzip.compress(data[40:]))
    assert_refused(path, "goes on after its first gzip member")


def test_bytes_after_the_gzip_member(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(IMAGES)) + b"\0")
    assert_refused(path, "goes on after its first gzip member")


def test_never_unpacks_more_than_the_header_promises(tmp_path):
    path = tmp_path / "images.gz"
    path.write_bytes(gzip.compress(idx_bytes(IMAGES) + bytes(64 << 20), 1))
    tracemalloc.start()
    assert_refused(path, "goes on after")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 1 << 20


@pytest.mark.parametrize("claim", [(2**32 - 1, 28, 28), (2**32 - 1, 1024, 1024)])
def test_a_huge_claim_allocates_a_block_at_most(tmp_path, claim):
    path = tmp_path / "images"
    header = bytes([0, 0, 8, 3]) + np.array(claim, ">u4").tobytes()
    path.write_bytes(header + bytes(1000))
    tracemalloc.start()
    assert_refused(path, "ends early")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 << 20


def test_images_of_absurd_size(tmp_path):
    path = tmp_path / "images"
    path.write_bytes(bytes([0, 0, 8, 3]) + np.array([1, 2**32 - 1, 2**32 - 1], ">u4").tobytes())
    assert_refused(path, "at most 1048576 pixels")


@pytest.mark.parametrize("shape", [(0, 28, 28), (3, 0, 28), (3, 28, 0)])
def test_zero_sizes(tmp_path, shape):
    assert_refused(write_idx(tmp_path / "images", np.zeros(shape, np.uint8)), "is empty")
