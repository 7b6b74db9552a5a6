"""A disk that is full at any of many moments: a small file system of our own."""

import os
import subprocess

import pytest
from children import do_prepare
from faults import fault, pick, serving
from synthetic import write_source

from components.dataset import open_dataset
from components.errors import UserError
from components.storage import open_folder

SIZE = 2**20
PAGE = 4096


@pytest.fixture
def disk(tmp_path):
    """An empty file system of 1 MiB, and what fills it up to some bytes."""
    path = tmp_path / "disk"
    path.mkdir()
    command = ["mount", "-t", "tmpfs", "-o", f"size={SIZE}", "none", str(path)]
    if os.geteuid() or subprocess.run(command, capture_output=True).returncode:
        pytest.skip("a file system can be mounted by root only")
    yield path
    subprocess.run(["umount", path], check=True)


def full_but_for(disk, free):
    """Writes a file that leaves so many bytes; whoever deletes it makes room."""
    ballast = disk / ".ballast"
    status = os.statvfs(disk)
    ballast.write_bytes(bytes(status.f_bavail * status.f_frsize - free))
    return ballast


@pytest.fixture
def place():
    return "folder"


@fault(
    "full disk in prepare",
    "one sentence, and no dataset; with room, the dataset that an undisturbed run gives",
)
def test_prepare(disk, tmp_path, number):
    source = write_source(tmp_path / "source", n_train=300, n_test=100)
    do_prepare(str(source), tmp_path / "undisturbed")
    ballast = full_but_for(disk, pick(range(0, 300_000, PAGE), number))
    with pytest.raises(UserError, match="No space left"):
        do_prepare(str(source), disk / "out")
    with pytest.raises(UserError, match="not a whole dataset"):
        open_dataset(disk / "out")
    ballast.unlink()
    do_prepare(str(source), disk / "out")
    assert open_dataset(disk / "out").splits == open_dataset(tmp_path / "undisturbed").splits


@fault(
    "full disk in a download",
    "one sentence; each file is whole or not there; with room, all are there",
)
def test_download(disk, tmp_path, number, request):
    sizes = {str(index): 30_000 for index in range(8)}
    (tmp_path / "tree").mkdir()
    for name, size in sizes.items():
        (tmp_path / "tree" / name).write_bytes(os.urandom(size))
    folder = open_folder(request.getfixturevalue("gcs_uri"))
    folder.upload(tmp_path / "tree")
    ballast = full_but_for(disk, pick(range(0, 8 * 30_000, PAGE), number))
    with pytest.raises(UserError, match="No space left"):
        folder.download(folder.entries(), disk / "back")
    for name in sizes:
        if (disk / "back" / name).exists():
            assert (disk / "back" / name).read_bytes() == (tmp_path / "tree" / name).read_bytes()
    ballast.unlink()
    folder.download(folder.entries(), disk / "back")
    assert {path.name: path.stat().st_size for path in (disk / "back").iterdir()} == sizes


@fault(
    "full disk under the store",
    "one sentence, the old champion serves, whole; with room, the new one does as version 2",
)
def test_promote(disk, uri, store, run, number):
    run(1)
    ballast = full_but_for(disk, pick(range(0, 150_000, PAGE), number))
    with pytest.raises(UserError, match="No space left"):
        run(2, champion=1, size=30_000)
    assert serving(store) == 1
    ballast.unlink()
    assert run(2, champion=1, size=30_000).version == serving(store) == 2


@pytest.fixture
def uri(disk):
    return str(disk / "store")
