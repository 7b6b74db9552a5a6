import hashlib
import json
from pathlib import Path

import pytest

from components.files import sha256_of_file, write_bytes, write_json


def test_write_bytes_makes_the_folders_above(tmp_path):
    write_bytes(tmp_path / "a" / "b" / "file", b"content")
    assert (tmp_path / "a" / "b" / "file").read_bytes() == b"content"


def test_write_bytes_replaces_a_file_and_leaves_nothing_beside_it(tmp_path):
    write_bytes(tmp_path / "file", b"old")
    write_bytes(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"new"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_write_bytes_keeps_the_old_file_when_the_last_step_fails(tmp_path, monkeypatch):
    write_bytes(tmp_path / "file", b"old")

    def fail(*_):
        raise OSError("no")

    monkeypatch.setattr(Path, "replace", fail)
    with pytest.raises(OSError, match="no"):
        write_bytes(tmp_path / "file", b"new")
    assert (tmp_path / "file").read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def test_write_json_reads_back(tmp_path):
    content = {"names": ["ä", "<b>"], "share": 0.1}
    write_json(tmp_path / "file.json", content)
    assert json.loads((tmp_path / "file.json").read_text()) == content


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_write_json_refuses_what_json_has_no_words_for(tmp_path, value):
    with pytest.raises(ValueError, match="JSON compliant"):
        write_json(tmp_path / "file.json", {"loss": value})
    assert not (tmp_path / "file.json").exists()


def test_sha256_of_file_is_that_of_its_bytes(tmp_path):
    data = bytes(range(256)) * 5000
    (tmp_path / "file").write_bytes(data)
    assert sha256_of_file(tmp_path / "file") == hashlib.sha256(data).hexdigest()
