"""Bad days of the network, in front of a real server."""

import os

import pytest
from fault_proxy import Fault
from faults import fault, pick, serving

from components.errors import UserError
from components.promote import champion
from components.storage import ConflictError, open_folder

FORTH_AND_BACK = "every operation ends as if nothing had happened: same files, one new generation"
NOTHING_HALF = "one sentence that names the URI; no file under its name, the pointer as it was"
NOT_A_LOST_RACE = (
    "promoted, and not told that a race is lost; the new one serves as version 2, whole, "
    "and there is no third"
)
LAST = "z"  # larger than what is sent in one request


@pytest.fixture
def tree(tmp_path):
    """Some files of a few kB, and one of 9 MB, which the client sends in several requests."""
    (tmp_path / "tree" / "deep").mkdir(parents=True)
    for name, size in {"a": 0, "b": 70_000, "deep/c": 150_000, LAST: 9 * 2**20}.items():
        (tmp_path / "tree" / name).write_bytes(os.urandom(size))
    return tmp_path / "tree"


@pytest.fixture
def place():
    """All of this is about the network."""
    return "gs://"


def contents(folder):
    files = (path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in files}


def forth_and_back(uri, tree, target):
    """Lists, uploads, downloads, and compares and sets; returns the generations of the latter."""
    folder = open_folder(uri)
    folder.upload(tree, last=[LAST])
    folder.download(folder.entries(), target)
    first = folder.write_if_generation("pointer", b"first", 0)
    assert folder.read("pointer").data == b"first"
    return first, folder.write_if_generation("pointer", b"second", first)


def check(uri, tree, target, generations):
    folder = open_folder(uri)
    assert contents(target) == contents(tree)
    assert [entry.name for entry in folder.entries()] == ["a", "b", "deep/c", "pointer", LAST]
    assert folder.read("pointer").data == b"second"
    assert folder.read("pointer").generation == generations[1] > generations[0]
    with pytest.raises(ConflictError):
        folder.write_if_generation("pointer", b"third", generations[0])


OPERATIONS = {
    "list": ("list", ""),
    "download": ("download", ""),
    "upload": ("upload", "/(a|b|deep/c|z)$"),
    "upload of a large file": ("upload part", ""),
    "compare-and-set": ("upload", "pointer"),
}


def overcome(fault, proxy, uri, tree, back):
    """Whether a fault struck as often as it should, and all ended as if it had not."""
    proxy.faults = [fault]
    generations = forth_and_back(uri, tree, back)
    struck = fault.times <= 0
    check(uri, tree, back, generations)
    return struck


@fault("burst of {status} on {operation}", FORTH_AND_BACK)
@pytest.mark.parametrize("status", [503, 429])
@pytest.mark.parametrize("operation", OPERATIONS)
def test_burst(proxy, gcs_uri, tree, tmp_path, number, status, operation):
    fault = Fault("status", *OPERATIONS[operation], times=1 + number % 5, status=status)
    assert overcome(fault, proxy, gcs_uri, tree, tmp_path / "back")


ONCE_IN_A_WHILE = {
    "connection cut in the middle of a download": ("cut reply", "download"),
    "connection cut in the middle of an upload": ("cut request", "upload"),
    "connection cut in the middle of a large upload": ("cut request", "upload of a large file"),
    "connection cut in the middle of a listing": ("cut reply", "list"),
    "flipped byte on the way down": ("flip", "download"),
    "lost reply on upload": ("lost reply", "upload"),
    "lost reply on compare-and-set": ("lost reply", "compare-and-set"),
}


@fault("{what}", FORTH_AND_BACK)
@pytest.mark.parametrize("what", ONCE_IN_A_WHILE)
def test_once_in_a_while(proxy, gcs_uri, tree, tmp_path, number, what):
    kind, operation = ONCE_IN_A_WHILE[what]
    fault = Fault(kind, *OPERATIONS[operation], times=1 + number % 4)
    assert overcome(fault, proxy, gcs_uri, tree, tmp_path / "back")


WITHOUT_END = {
    "listing refused without end": ("status", "list"),
    "download refused without end": ("status", "download"),
    "upload refused without end": ("status", "upload"),
    "flipped byte in every download": ("flip", "download"),
}


@fault("{what}", NOTHING_HALF)
@pytest.mark.parametrize("what", WITHOUT_END)
def test_without_end(proxy, gcs_uri, tree, tmp_path, number, what, monkeypatch):
    from components import gcs

    folder = open_folder(gcs_uri)
    folder.write_if_generation("pointer", b"old", 0)
    folder.upload(tree)
    entries = folder.entries()
    monkeypatch.setattr(gcs, "_RETRY", gcs._RETRY.with_timeout(0.1))
    kind, operation = WITHOUT_END[what]
    proxy.faults = [Fault(kind, operation, times=10**6, status=pick([503, 429], number))]
    with pytest.raises(UserError, match=gcs_uri):
        folder.download(folder.entries(), tmp_path / "back")
        folder.write_if_generation("pointer", b"new", entries[-2].generation)
    proxy.reset()
    assert operation == "upload" or contents(tmp_path / "back") == {}
    assert folder.entries() == entries


STEPS = {
    "claim": ["claims"],
    "publish": ["evaluation", "manifest", "MODEL_CARD", "weights", "variables", "saved_model"],
    "pointer move": ["champion", "history"],
}


@fault("lost reply on {step}", NOT_A_LOST_RACE)
@pytest.mark.parametrize("step", STEPS)
def test_lost_reply(proxy, run, store, number, step):
    run(1)
    proxy.faults = [Fault("lost reply", "upload", pick(STEPS[step], number), 1 + number % 3)]
    result = run(2, champion=1)
    assert proxy.faults[0].times <= 0
    assert (result.outcome, result.version, serving(store)) == ("promoted", 2, 2)
    assert [version.version for version in store.versions()] == [1, 2]


@fault(
    "lost reply on pointer move, and another move before it is tried again",
    "told that it was promoted, and that another serves by now; the pointer as the other left it",
)
def test_overtaken(proxy, run, store, number):
    run(1)

    def overtake(request):
        if request.operation == "upload" and request.name.endswith("champion.json"):
            proxy.reset()
            champion.rollback(store)
            raise ConnectionAbortedError

    proxy.after = overtake
    result = run(2, champion=1)
    assert (result.outcome, result.version, result.champion) == ("promoted", 2, 1)
    assert serving(store) == 1
    assert "rolled back from version 2" in champion.current(store).reason
