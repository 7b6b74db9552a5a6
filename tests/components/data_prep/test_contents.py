import numpy as np
import pytest
from synthetic import idx_bytes, shipped, write_pair, write_source

from components.data_prep.contents import read_contents
from components.data_prep.sources import open_source
from components.errors import UserError

IMAGES, LABELS = shipped("train", 60)


@pytest.fixture
def folder(tmp_path):
    write_pair(tmp_path, "train", IMAGES[:50], LABELS[:50])
    write_pair(tmp_path, "t10k", IMAGES[50:], LABELS[50:])
    return tmp_path


def contents(folder):
    return read_contents(open_source(str(folder)))


def assert_refused(folder, match):
    with pytest.raises(UserError, match=match):
        contents(folder)


def test_labels_sizes_and_classes(folder):
    found = contents(folder)
    assert found.image_shape == (28, 28)
    assert found.class_names == tuple("0123456789")
    np.testing.assert_array_equal(found.training[0].labels, LABELS[:50])
    np.testing.assert_array_equal(found.held_out[0].labels, LABELS[50:])


def test_blocks_pair_images_with_their_labels(folder):
    (images, labels), *rest = contents(folder).training[0].blocks()
    assert not rest
    np.testing.assert_array_equal(images, IMAGES[:50].reshape(50, 784))
    np.testing.assert_array_equal(labels, LABELS[:50])


@pytest.mark.parametrize("num_labels", [49, 51])
def test_counts_that_disagree(folder, num_labels):
    write_pair(folder, "train", IMAGES[:50], LABELS[:num_labels])
    assert_refused(folder, f"train-images.* has 50 images and {num_labels} labels")


def test_test_images_of_another_size(folder):
    write_pair(folder, "t10k", IMAGES[50:, 2:, 1:], LABELS[50:])
    assert_refused(folder, "t10k-images.* 26x27 pixels and .*train-images.* of 28x28")


def test_training_batches_of_different_sizes(folder):
    write_pair(folder, "other", IMAGES[:, :14], LABELS)
    assert_refused(folder, "train-images.* 28x28 pixels and .*other-images.* of 14x28")


def test_class_that_only_the_test_set_has(folder):
    write_pair(folder, "train", IMAGES[LABELS != 4], LABELS[LABELS != 4])
    assert_refused(folder, "t10k-images.* test images of class 4")


def test_one_class_only(folder):
    write_pair(folder, "train", IMAGES[:50], np.full(50, 3, np.uint8))
    assert_refused(folder, r"one class only \(3\)")


def test_npz_like_keras(tmp_path):
    write_npz(tmp_path, LABELS.astype(np.int64))
    found = contents(tmp_path)
    np.testing.assert_array_equal(found.training[0].labels, LABELS)
    assert found.training[0].labels.dtype == np.uint8


def write_npz(folder, labels):
    np.savez(folder / "m.npz", x_train=IMAGES, y_train=labels, x_test=IMAGES, y_test=LABELS)


@pytest.mark.parametrize("label", [-1, 256, 2**40])
def test_npz_labels_that_are_no_bytes(tmp_path, label):
    labels = LABELS.astype(np.int64)
    labels[7] = label
    write_npz(tmp_path, labels)
    assert_refused(tmp_path, f"y_train holds the label {label}")


def test_class_names(folder):
    names = ["T-shirt", "Hose & Jacke", "<b>", *"defghij", "spare"]
    (folder / "classes.txt").write_text("\r\n".join(names) + "\n\n", encoding="utf-8")
    assert contents(folder).class_names == tuple(names)
    (folder / "classes.txt").write_text("\n".join(names), encoding="utf-8-sig")  # as Windows does
    assert contents(folder).class_names == tuple(names)


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"a\nb\nc\nd\ne\nf\ng\nh\ni\n",
        b"a\n\nb\nc\nd\ne\nf\ng\nh\ni\nj\n",
        b"x\n" * 257,
        b"\xff\xfe\n" * 10,
        b"a\nb\nc\nd\ne\nf\ng\nh\ni\na\n",
        b"a\nb\nc\nd\ne\nf\ng\nh\ni\n" + 61 * b"j",
        b"a\nb\nc\nd\ne\nf\ng\nh\ni\n\x1b[31mj\n",
        "a\nb\nc\nd\ne\nf\ng\nh\ni\n\u202ej\n".encode(),
    ],
    ids=[
        "empty",
        "too few",
        "gap",
        "too many",
        "not UTF-8",
        "twice",
        "too long",
        "acts on a terminal",
        "turns text round",
    ],
)
def test_wrong_class_names(folder, text):
    (folder / "classes.txt").write_bytes(text)
    assert_refused(folder, r"classes\.txt")


def test_labels_are_limited_by_what_the_file_holds(folder):
    path = folder / "train-labels-idx1-ubyte"
    (folder / "train-labels-idx1-ubyte.gz").unlink()
    path.write_bytes(bytes([0, 0, 8, 1, 255, 255, 255, 255]) + idx_bytes(LABELS)[8:])
    assert_refused(folder, "train-labels-idx1-ubyte ends early")


def test_write_source_makes_what_can_be_read(tmp_path):
    found = contents(write_source(tmp_path / "source", n_train=80, n_test=30))
    assert len(found.training[0].labels) == 80
    assert len(found.held_out[0].labels) == 30
