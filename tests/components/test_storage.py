import base64
import hashlib
import os
import threading

import pytest
from fault_proxy import Fault
from gcs import BUCKET

from components.errors import UserError
from components.storage import ConflictError, check_name, open_folder

# CRC-32C of "123456789", from the catalogue of parametrised CRC algorithms.
CHECK_VALUE = 0xE3069283


OPERATIONS = ("list", "download", "upload")


@pytest.fixture(params=["local", "gs"])
def folder(request, tmp_path):
    uri = str(tmp_path / "store") if request.param == "local" else None
    return open_folder(uri or request.getfixturevalue("gcs_uri"))


@pytest.fixture
def tree(tmp_path):
    source = tmp_path / "tree"
    for name, data in {"a.bin": b"123456789", "deep/er/b.bin": b"", "z.bin": b"last"}.items():
        (source / name).parent.mkdir(parents=True, exist_ok=True)
        (source / name).write_bytes(data)
    return source


def contents(path):
    return {
        file.relative_to(path).as_posix(): file.read_bytes()
        for file in path.rglob("*")
        if file.is_file()
    }


def test_a_tree_comes_back_as_it_went(folder, tree, tmp_path):
    folder.upload(tree)
    folder.download(folder.entries(), tmp_path / "back")
    assert contents(tmp_path / "back") == contents(tree)


def test_entries_are_sorted_and_carry_size_and_digest(folder, tree):
    folder.upload(tree)
    first, *rest = folder.entries()
    assert (first.name, first.size) == ("a.bin", 9)
    assert [entry.name for entry in rest] == ["deep/er/b.bin", "z.bin"]
    expected = {
        f"sha256:{hashlib.sha256(b'123456789').hexdigest()}",
        f"crc32c:{base64.b64encode(CHECK_VALUE.to_bytes(4, 'big')).decode()}",
    }
    assert first.digest in expected


def test_a_folder_that_is_not_there_is_empty(folder):
    assert folder.entries() == []
    assert folder.children() == []
    assert folder.read("anything") is None


def test_children_are_the_files_and_folders_directly_inside(folder, tree):
    folder.upload(tree)
    assert folder.children() == ["a.bin", "deep", "z.bin"]
    assert folder.folder("deep").children() == ["er"]


def test_hidden_files_are_neither_listed_nor_uploaded(folder, tree):
    (tree / ".DS_Store").write_bytes(b"")
    folder.upload(tree)
    folder.write_if_generation(".hidden", b"1", 0)
    assert folder.children() == ["a.bin", "deep", "z.bin"]
    assert len(folder.entries()) == 3


def test_uploading_again_changes_nothing(folder, tree):
    folder.upload(tree)
    before = folder.entries()
    folder.upload(tree)
    assert folder.entries() == before


def test_an_upload_never_replaces_a_file(folder, tree):
    folder.write_if_generation("z.bin", b"another's", 0)
    with pytest.raises(ConflictError, match=r"z\.bin"):
        folder.upload(tree)
    assert folder.read("z.bin").data == b"another's"


def test_the_last_file_comes_only_when_all_others_are_whole(folder, tree):
    folder.write_if_generation("z.bin", b"another's", 0)
    with pytest.raises(ConflictError):
        folder.upload(tree, last=["a.bin"])
    assert folder.read("a.bin") is None


def test_compare_and_set(folder):
    first = folder.write_if_generation("pointer", b"1", 0)
    second = folder.write_if_generation("pointer", b"2", first)
    assert folder.read("pointer").data == b"2"
    assert folder.read("pointer").generation == second
    for stale in (0, first):
        with pytest.raises(ConflictError, match="pointer"):
            folder.write_if_generation("pointer", b"3", stale)
    assert folder.read("pointer").data == b"2"


def test_writing_what_is_already_there_is_no_conflict(folder):
    generation = folder.write_if_generation("pointer", b"1", 0)
    assert folder.write_if_generation("pointer", b"1", 0) == generation


def test_one_of_many_racing_writers_wins(folder):
    start = threading.Barrier(10)
    winners = []

    def write(number):
        start.wait()
        try:
            folder.write_if_generation("pointer", b"%d" % number, 0)
            winners.append(b"%d" % number)
        except ConflictError:
            pass

    threads = [threading.Thread(target=write, args=(number,)) for number in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert winners == [folder.read("pointer").data]


def test_a_file_that_its_manifest_does_not_name_is_refused(folder, tree, tmp_path):
    folder.upload(tree)
    manifest = {"a.bin": hashlib.sha256(b"987654321").hexdigest()}
    with pytest.raises(UserError, match=r"a\.bin.*manifest"):
        folder.download(folder.entries(), tmp_path / "back", manifest)
    assert not (tmp_path / "back" / "a.bin").exists()


def test_data_that_changes_after_listing_is_refused(folder, tree, tmp_path):
    folder.upload(tree)
    entries = folder.entries()
    generation = folder.read("z.bin").generation
    folder.write_if_generation("z.bin", b"changed", generation)
    with pytest.raises(UserError, match="changed since it was listed"):
        folder.download(entries, tmp_path / "back")
    assert not (tmp_path / "back" / "z.bin").exists()


def test_nothing_unfinished_stays_behind(folder, tree, tmp_path):
    folder.upload(tree)
    folder.download(folder.entries(), tmp_path / "back")
    assert sorted(path.name for path in (tmp_path / "back").iterdir()) == ["a.bin", "deep", "z.bin"]


@pytest.mark.parametrize("name", ["../up", "/root", "a//b", "", "a/", "a/./b", "a/../b", "nul\0"])
def test_names_that_could_leave_the_folder_are_refused(name, folder):
    with pytest.raises(UserError, match="refused"):
        check_name(name)
    with pytest.raises(UserError, match="refused"):
        folder.write_if_generation(name, b"", 0)


def test_a_listing_with_a_name_that_could_leave_the_folder_is_refused(gcs_uri):
    from google.cloud import storage

    prefix = gcs_uri.removeprefix(f"gs://{BUCKET}/")
    storage.Client(project=None).bucket(BUCKET).blob(f"{prefix}/../up").upload_from_string(b"")
    with pytest.raises(UserError, match="refused"):
        open_folder(gcs_uri).entries()


def test_the_empty_object_of_a_console_folder_is_not_listed(gcs_uri):
    from google.cloud import storage

    prefix = gcs_uri.removeprefix(f"gs://{BUCKET}/")
    storage.Client(project=None).bucket(BUCKET).blob(f"{prefix}/sub/").upload_from_string(b"")
    assert open_folder(gcs_uri).entries() == []


@pytest.mark.parametrize(
    "uri", ["s3://bucket/x", "gs://", "gs:///x", "gs://bucket//x", "gs://UP/x"]
)
def test_a_malformed_uri_is_refused(uri):
    with pytest.raises(UserError):
        open_folder(uri)


def test_a_bucket_that_is_not_there_is_named(proxy):
    folder = open_folder("gs://no-such-bucket/x")
    for use in (
        folder.entries,
        lambda: folder.read("pointer"),
        lambda: folder.write_if_generation("pointer", b"", 0),
    ):
        with pytest.raises(UserError, match="no bucket for gs://no-such-bucket/x"):
            use()


@pytest.mark.parametrize(
    ("status", "advice"), [(403, "grant"), (401, "credentials"), (400, "refuses")]
)
def test_a_refusal_says_what_to_do(gcs_uri, proxy, status, advice):
    proxy.faults = [Fault("status", operation, times=9, status=status) for operation in OPERATIONS]
    folder = open_folder(gcs_uri)
    for attempt in (
        folder.entries,
        lambda: folder.read("x"),
        lambda: folder.write_if_generation("x", b"", 0),
    ):
        with pytest.raises(UserError, match=f"(?s){gcs_uri}.*{advice}|{advice}.*{gcs_uri}"):
            attempt()


def test_missing_credentials_are_explained(monkeypatch, tmp_path):
    monkeypatch.setenv("NO_GCE_CHECK", "true")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("CLOUDSDK_CONFIG", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    with pytest.raises(UserError, match=r"credentials for gs://bucket/x.*gcloud auth"):
        open_folder("gs://bucket/x")


def test_a_missing_file_at_download_is_named(folder, tree, tmp_path):
    folder.upload(tree)
    gone = folder.folder("elsewhere")
    with pytest.raises(UserError, match="elsewhere"):
        gone.download(folder.entries(), tmp_path / "back")


def test_large_objects_come_in_pieces(gcs_uri, tmp_path, monkeypatch, capsys):
    from components import gcs

    monkeypatch.setattr(gcs, "_PIECE", 1000)
    monkeypatch.setattr(gcs, "_BATCH", 2500)
    data = {name: os.urandom(2501) for name in ("a", "b")}
    (tmp_path / "tree").mkdir()
    for name, content in data.items():
        (tmp_path / "tree" / name).write_bytes(content)
    folder = open_folder(gcs_uri)
    folder.upload(tmp_path / "tree")
    folder.download(folder.entries(), tmp_path / "back")
    assert contents(tmp_path / "back") == data
    assert "[2/2]" in capsys.readouterr().out
