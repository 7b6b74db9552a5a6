import shutil

import numpy as np
import pytest
from synthetic import write_source

from components.data_prep import sources
from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint, open_source
from components.dataset import open_dataset
from components.errors import UserError
from components.storage import open_folder


@pytest.fixture
def local(tmp_path):
    return write_source(tmp_path / "source", n_train=40, n_test=10)


@pytest.fixture
def remote(local, gcs_uri):
    open_folder(gcs_uri).upload(local)
    return gcs_uri


def run(uri, tmp_path, known=None):
    return prepare(uri, known or fingerprint(uri), 5, 0, tmp_path / "out")


def test_a_prefix_gives_the_same_dataset_as_the_folder(local, remote, tmp_path):
    there = run(remote, tmp_path)
    here = run(str(local), tmp_path / "here")
    assert there.splits == here.splits
    assert there.source == remote


def test_a_new_labelled_batch_is_picked_up(local, remote, tmp_path):
    before = fingerprint(remote)
    more = tmp_path / "more"
    more.mkdir()
    for path in local.glob("train-*"):
        shutil.copy(path, more / path.name.replace("train", "monday"))
    open_folder(remote).upload(more)
    assert fingerprint(remote) != before
    assert len(open_source(remote).layout.training) == 2


def test_the_same_data_under_another_prefix_has_the_same_fingerprint(local, remote):
    open_folder(f"{remote}-copy").upload(local)
    assert fingerprint(remote) == fingerprint(f"{remote}-copy/")


def test_data_that_changes_between_listing_and_reading_is_refused(remote, tmp_path, monkeypatch):
    def change_after_listing(uri):
        source = open_source(uri)
        name = "train-labels-idx1-ubyte.gz"
        folder = open_folder(uri)
        folder.write_if_generation(name, b"other", folder.read(name).generation)
        return source

    known = fingerprint(remote)
    monkeypatch.setattr(sources, "open_source", change_after_listing)
    with pytest.raises(UserError, match="changed since it was listed"):
        run(remote, tmp_path, known)
    with pytest.raises(UserError):
        open_dataset(tmp_path / "out")


def test_a_batch_that_arrives_while_the_others_are_read_waits_for_the_next_run(
    remote, proxy, tmp_path
):
    expected = run(remote, tmp_path / "undisturbed").splits
    known = fingerprint(remote)

    def add_a_batch(request):
        if request.operation == "download":
            proxy.reset()
            open_folder(remote).write_if_generation("new-images-idx3-ubyte.gz", b"half a pair", 0)

    proxy.after = add_a_batch
    assert run(remote, tmp_path, known).splits == expected
    assert open_folder(remote).read("new-images-idx3-ubyte.gz") is not None


def test_messages_name_the_uri_not_the_copy(local, remote, tmp_path):
    folder = open_folder(remote)
    name = "train-labels-idx1-ubyte.gz"
    folder.write_if_generation(name, b"not gzip", folder.read(name).generation)
    with pytest.raises(UserError, match=f"{remote}/{name}"):
        run(remote, tmp_path)


def test_an_npz_object(gcs_uri, tmp_path):
    rng = np.random.default_rng(0)
    (tmp_path / "up").mkdir()
    np.savez(
        tmp_path / "up" / "a.npz",
        x_train=rng.integers(0, 256, (40, 28, 28), np.uint8),
        y_train=np.arange(40, dtype=np.uint8) % 10,
        x_test=rng.integers(0, 256, (10, 28, 28), np.uint8),
        y_test=np.arange(10, dtype=np.uint8),
    )
    shutil.copy(tmp_path / "up" / "a.npz", tmp_path / "up" / "b.npz")
    open_folder(gcs_uri).upload(tmp_path / "up")
    assert run(f"{gcs_uri}/a.npz", tmp_path).splits["train"].count == 35


def test_no_data_behind_a_prefix(gcs_uri):
    with pytest.raises(UserError, match=f"{gcs_uri} holds no data"):
        fingerprint(gcs_uri)
