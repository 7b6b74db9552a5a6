import gzip
import hashlib
import shutil

import numpy as np
import pytest
from synthetic import MNIST, write_source

from components.data_prep.sources import fingerprint, open_source
from components.errors import UserError


@pytest.fixture
def folder(tmp_path):
    return write_source(tmp_path / "source", n_train=20, n_test=10)


def test_the_same_files_elsewhere_have_the_same_fingerprint(folder, tmp_path):
    shutil.copytree(folder, tmp_path / "copy")
    assert fingerprint(str(folder)) == fingerprint(str(tmp_path / "copy"))


def test_files_that_are_not_read_do_not_count(folder):
    before = fingerprint(str(folder))
    (folder / "README.md").write_text("about this data")
    (folder / ".DS_Store").write_text("")
    assert fingerprint(str(folder)) == before


def _flip_a_bit(folder):
    path = folder / "train-labels-idx1-ubyte.gz"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


def _rename_a_batch(folder):
    for path in list(folder.glob("train-*")):
        path.rename(path.with_name(path.name.replace("train", "other")))


def _add_a_batch(folder):
    for path in list(folder.glob("train-*")):
        shutil.copy(path, path.with_name(path.name.replace("train", "more")))


def _name_classes(folder):
    (folder / "classes.txt").write_text("\n".join("abcdefghij"))


@pytest.mark.parametrize("change", [_flip_a_bit, _rename_a_batch, _add_a_batch, _name_classes])
def test_any_change_of_what_is_read_changes_the_fingerprint(folder, change):
    before = fingerprint(str(folder))
    change(folder)
    assert fingerprint(str(folder)) != before


def test_mnist_is_the_data_that_ships():
    source = open_source("mnist")
    assert len(source.entries) == 4
    (training,), (held_out,) = source.batches()
    assert training.labels.shape == (60000,)
    assert held_out.labels.shape == (10000,)


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("t10k-images-idx3", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"),
        ("t10k-labels-idx1", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"),
        ("train-images-idx3", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"),
        ("train-labels-idx1", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"),
    ],
)
def test_what_ships_is_what_was_published(name, published):
    unpacked = gzip.decompress((MNIST / f"{name}-ubyte.gz").read_bytes())
    assert hashlib.sha256(unpacked).hexdigest() == published


def test_shipped_data_that_is_damaged_is_refused(tmp_path, monkeypatch):
    write_source(tmp_path, n_train=20, n_test=10)
    monkeypatch.setattr("components.data_prep.sources._MNIST_FOLDER", tmp_path)
    with pytest.raises(UserError, match="not the MNIST that was published"):
        open_source("mnist")


def test_an_npz_file_and_the_class_names_beside_it(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=[0])
    np.savez(tmp_path / "b.npz", x_train=[1])
    (tmp_path / "classes.txt").write_text("x\ny\n")
    source = open_source(str(tmp_path / "a.npz"))
    assert [entry.name for entry in source.entries] == ["a.npz", "classes.txt"]
    assert source.class_names_path == tmp_path / "classes.txt"


def test_a_folder_with_one_npz_file(tmp_path):
    np.savez(tmp_path / "a.npz", x_train=[0])
    assert [entry.name for entry in open_source(str(tmp_path)).entries] == ["a.npz"]


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("nowhere", "does not exist"),
        ("nowhere.npz", "does not exist"),
        ("file.txt", "neither a folder nor"),
        ("empty", "holds no data"),
        ("x" * 5000, "can't be read"),
    ],
)
def test_no_source(tmp_path, name, match):
    (tmp_path / "file.txt").write_text("")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match=match) as raised:
        fingerprint(str(tmp_path / name))
    assert name in str(raised.value)


def test_unknown_scheme():
    with pytest.raises(UserError, match="s3://bucket/data"):
        fingerprint("s3://bucket/data")
