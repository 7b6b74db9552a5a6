import hashlib
import json

import pytest

from components.errors import UserError
from components.promote import champion
from components.promote.model_store import ModelStore


def write(folder, name, data):
    present = folder.read(name)
    folder.write_if_generation(name, data, present.generation if present else 0)


def test_a_version_is_laid_out_as_tf_serving_expects(run, store):
    run(1)
    assert {"saved_model.pb", "variables"} <= set(store.folder.folder("1").children())


def test_the_manifest_names_every_other_file_with_its_digest(run, store):
    run(1)
    folder = store.folder.folder("1")
    files = json.loads(folder.read("manifest.json").data)["files"]
    names = {entry.name for entry in folder.entries()} - {"manifest.json"}
    assert files == {
        name: hashlib.sha256(folder.read(name).data).hexdigest() for name in sorted(names)
    }
    assert {"MODEL_CARD.md", "evaluation.json", "model.json", "saved_model.pb"} <= names


def test_a_version_without_its_last_file_does_not_exist(run, store, store_uri, monkeypatch):
    folder = store.folder.folder("1")
    run(1)
    manifest = folder.read("manifest.json").data
    half = store.folder.folder("2")
    half.write_if_generation("manifest.json", manifest, 0)
    assert [version.version for version in store.versions()] == [1]
    with pytest.raises(UserError, match="no version 2"):
        store.version(2)


def test_what_is_not_ours_is_left_alone_and_passed_over(run, store):
    foreign = {"README.txt": b"hello", "7/saved_model.pb": b"theirs", "latest/x": b"", "12": b"?"}
    for name, data in foreign.items():
        write(store.folder, name, data)
    assert run(1).version == 13
    assert [version.version for version in store.versions()] == [13]
    assert {name: store.folder.read(name).data for name in foreign} == foreign


def test_a_file_of_ours_that_was_changed_is_refused(run, store, tmp_path):
    run(1)
    write(store.folder.folder("1"), "model.weights.h5", b"other weights")
    with pytest.raises(UserError, match=r"model\.weights\.h5.*manifest"):
        store.fetch(1, tmp_path / "fetched")
    assert not (tmp_path / "fetched" / "model.weights.h5").exists()


@pytest.mark.parametrize("foreign", [b"{}", b'{"format": 1}', b"[]", b'{"format": 1, "x": 2}'])
def test_a_manifest_that_is_not_ours_is_named(run, store, foreign):
    run(1)
    write(store.folder, "2/saved_model.pb", b"theirs")
    write(store.folder, "2/manifest.json", foreign)
    with pytest.raises(UserError, match=r"2/manifest\.json"):
        store.versions()


def test_a_file_of_ours_that_is_gone_is_named(run, store, tmp_path):
    run(1)
    folder = store.folder.folder("1")
    manifest = json.loads(folder.read("manifest.json").data)
    manifest["files"]["lost.bin"] = "0" * 64
    write(folder, "manifest.json", json.dumps(manifest).encode())
    with pytest.raises(UserError, match=r"lost\.bin is missing"):
        store.fetch(1, tmp_path / "fetched")


def test_small_files_are_checked_too(run, store):
    run(1)
    assert store.read(1, "MODEL_CARD.md").startswith(b"# digits")
    write(store.folder.folder("1"), "MODEL_CARD.md", b"# better than it is")
    with pytest.raises(UserError, match=r"MODEL_CARD\.md"):
        store.read(1, "MODEL_CARD.md")


def test_a_foreign_file_in_the_way_of_a_version_stops_it_before_it_can_be_loaded(run, store):
    write(store.folder, "claims.json", json.dumps({"another": 1}).encode())
    write(store.folder, "2/model.json", b"theirs")
    assert run(1).version == 3
    assert champion.current(store).version == 3


@pytest.mark.parametrize("damage", [b"", b"[1]", b'{"a": "1"}'])
def test_damaged_claims_are_named(run, store, damage):
    run(1)
    write(store.folder, "claims.json", damage)
    with pytest.raises(UserError, match=r"claims\.json"):
        run(2, champion=1)
    assert champion.current(store).version == 1


@pytest.mark.parametrize("name", ["", "..", "a/b", "-x", "ü", "a b"])
def test_a_model_name_that_is_no_plain_word_is_refused(name, tmp_path):
    with pytest.raises(UserError, match="model name"):
        ModelStore(str(tmp_path), name)
