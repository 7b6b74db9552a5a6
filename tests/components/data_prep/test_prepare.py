import errno
import gzip
import shutil

import numpy as np
import pytest
from synthetic import MNIST, shipped, write_pair, write_source

from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint
from components.data_prep.validation import choose_validation
from components.data_prep.writer import SplitWriter
from components.dataset import SPLIT_NAMES, open_dataset
from components.errors import UserError


def run(source, output, validation_size=5000, seed=0):
    uri = str(source)
    return prepare(uri, fingerprint(uri), validation_size, seed, output)


def raw(prefix):
    """MNIST as the tutorial has it: another way to read the files than the pipeline's."""
    images = gzip.decompress((MNIST / f"{prefix}-images-idx3-ubyte.gz").read_bytes())
    labels = gzip.decompress((MNIST / f"{prefix}-labels-idx1-ubyte.gz").read_bytes())
    return np.frombuffer(images, np.uint8, offset=16).reshape(-1, 28, 28), np.frombuffer(
        labels, np.uint8, offset=8
    )


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    return run("mnist", tmp_path_factory.mktemp("prepared") / "mnist")


def test_mnist_test_set_is_the_raw_one_flattened(mnist):
    images, labels = raw("t10k")
    split = mnist.read("test")
    np.testing.assert_array_equal(split.images, images.reshape(10000, 784))
    np.testing.assert_array_equal(split.labels, labels)


def test_mnist_training_images_go_to_train_or_validation_in_their_order(mnist):
    images, labels = raw("train")
    held_back = choose_validation(labels, 5000, seed=0)
    for name, rows, count in (("train", ~held_back, 55000), ("validation", held_back, 5000)):
        split = mnist.read(name)
        assert len(split.labels) == count
        np.testing.assert_array_equal(split.images, images[rows].reshape(count, 784))
        np.testing.assert_array_equal(split.labels, labels[rows])


def test_mnist_statistics(mnist):
    images, labels = raw("t10k")
    info = mnist.splits["test"]
    assert info.class_counts == tuple(np.bincount(labels))
    assert info.pixel_mean == pytest.approx((images / 255).mean(), rel=1e-12)
    assert info.pixel_deviation == pytest.approx((images / 255).std(), rel=1e-12)
    # The figures that everybody normalises MNIST with.
    assert mnist.splits["train"].pixel_mean == pytest.approx(0.1307, abs=2e-4)
    assert mnist.splits["train"].pixel_deviation == pytest.approx(0.3081, abs=2e-4)


def test_the_same_inputs_give_the_same_bytes_and_another_seed_does_not(tmp_path):
    source = write_source(tmp_path / "source", n_train=300, n_test=20)
    first, again, other = (
        run(source, tmp_path / name, seed=seed).splits
        for name, seed in (("first", 0), ("again", 0), ("other", 1))
    )
    assert first == again
    assert first["train"].images_sha256 != other["train"].images_sha256
    assert first["test"] == other["test"]


def test_training_batches_are_joined_in_sorted_order(tmp_path):
    images, labels = shipped("train", 300)
    folder = tmp_path / "source"
    write_pair(folder / "b", "new", images[100:250], labels[100:250], suffix="")
    write_pair(folder, "a", images[:100], labels[:100])
    write_pair(folder, "test", images[250:], labels[250:])
    dataset = run(folder, tmp_path / "out", validation_size=40)
    held_back = choose_validation(labels[:250], 40, seed=0)
    flat = images[:250].reshape(250, 784)
    np.testing.assert_array_equal(dataset.read("train").images, flat[~held_back])
    np.testing.assert_array_equal(dataset.read("validation").images, flat[held_back])


def test_npz_gives_the_same_dataset_as_idx(tmp_path):
    source = write_source(tmp_path / "source", n_train=200, n_test=50)
    arrays = {}
    for key, prefix in (("train", "train"), ("test", "t10k")):
        with gzip.open(source / f"{prefix}-images-idx3-ubyte.gz") as file:
            images = np.frombuffer(file.read()[16:], np.uint8)
        with gzip.open(source / f"{prefix}-labels-idx1-ubyte.gz") as file:
            labels = np.frombuffer(file.read()[8:], np.uint8)
        arrays |= {f"x_{key}": images.reshape(-1, 28, 28), f"y_{key}": labels.astype(np.int64)}
    np.savez_compressed(tmp_path / "mnist.npz", **arrays)
    from_npz = run(tmp_path / "mnist.npz", tmp_path / "npz")
    assert from_npz.splits == run(source, tmp_path / "idx").splits


def test_images_of_another_size_and_named_classes(tmp_path):
    rng = np.random.default_rng(0)
    folder = tmp_path / "source"
    for prefix, count in (("train", 40), ("t10k", 10)):
        labels = np.arange(count, dtype=np.uint8) % 3
        write_pair(folder, prefix, rng.integers(0, 256, (count, 5, 7), np.uint8), labels)
    (folder / "classes.txt").write_text("cat\ndog\nfish\n")
    dataset = run(folder, tmp_path / "out")
    assert dataset.image_shape == (5, 7)
    assert dataset.class_names == ("cat", "dog", "fish")
    assert dataset.read("train").images.shape == (32, 35)


def test_changed_data_is_refused(tmp_path):
    source = write_source(tmp_path / "source", n_train=50, n_test=10)
    before = fingerprint(str(source))
    write_source(source, n_train=50, n_test=10, seed=1)
    with pytest.raises(UserError, match="has changed"):
        prepare(str(source), before, 10, 0, tmp_path / "out")


def test_data_that_changes_while_it_is_read_is_refused(tmp_path, monkeypatch):
    source = write_source(tmp_path / "source", n_train=50, n_test=10)
    finish = SplitWriter.finish

    def finish_while_a_name_comes_in(writer):
        (source / "classes.txt").write_text("\n".join("abcdefghij"))
        return finish(writer)

    monkeypatch.setattr(SplitWriter, "finish", finish_while_a_name_comes_in)
    with pytest.raises(UserError, match="has changed"):
        run(source, tmp_path / "out")
    with pytest.raises(UserError, match="not a whole dataset"):
        open_dataset(tmp_path / "out")


def test_replaces_what_an_earlier_try_left(tmp_path):
    source = write_source(tmp_path / "source", n_train=50, n_test=10)
    output = tmp_path / "out"
    run(source, output, validation_size=3)
    (output / "dataset.json").unlink()
    (output / "train" / "images.npy").write_bytes(b"half")
    dataset = run(source, output, validation_size=10)
    assert dataset == open_dataset(output)
    assert [len(dataset.read(name).labels) for name in SPLIT_NAMES] == [40, 10, 10]


def test_whoever_has_mapped_the_old_dataset_keeps_it(tmp_path):
    source = write_source(tmp_path / "source", n_train=50, n_test=10)
    images = run(source, tmp_path / "out").read("train").images
    before = images.copy()
    run(source, tmp_path / "out", seed=1)
    np.testing.assert_array_equal(images, before)


@pytest.mark.parametrize("step", ["train", "test"])
def test_a_failure_leaves_nothing_that_looks_whole(tmp_path, step):
    source = write_source(tmp_path / "source", n_train=50, n_test=10)
    output = tmp_path / "out"
    run(source, output)
    shutil.rmtree(output / "train")
    shutil.rmtree(output / step, ignore_errors=True)
    (output / step).write_text("a file where a folder must go")
    with pytest.raises(UserError, match="can't be prepared in"):
        prepare(str(source), fingerprint(str(source)), 10, 0, output)
    with pytest.raises(UserError, match="not a whole dataset"):
        open_dataset(output)


@pytest.mark.parametrize("file", ["t10k-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz"])
def test_a_damaged_file_leaves_nothing_that_looks_whole(tmp_path, file):
    source = write_source(tmp_path / "source", n_train=50, n_test=10)
    run(source, tmp_path / "out")
    path = source / file
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(UserError, match="cut short"):
        run(source, tmp_path / "out")
    assert not (tmp_path / "out" / "dataset.json").exists()


def test_a_full_disk_is_said_in_one_sentence(tmp_path, monkeypatch):
    source = write_source(tmp_path / "source", n_train=50, n_test=10)

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(SplitWriter, "write", full)
    with pytest.raises(UserError, match="No space left on device"):
        run(source, tmp_path / "out")
    assert not (tmp_path / "out" / "dataset.json").exists()
