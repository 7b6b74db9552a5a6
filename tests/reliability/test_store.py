"""Stores in which something is not as it was left."""

import json
from pathlib import Path

import pytest
from faults import fault, pick, serving
from google.cloud import storage

from components.errors import UserError
from components.files import sha256_of_file
from components.promote import champion
from components.promote.champion import StaleChampionError

FOREIGN = {
    "README.txt": b"hello",
    ".DS_Store": b"",
    "7/saved_model.pb": b"theirs",
    "7/model.json": b"{}",
    "5": b"a file whose name is a number",
    "latest/model.json": b"{}",
    "history/notes.txt": b"ours is better",
    "0/saved_model.pb": b"",
}
IN_THE_WAY = ("evaluation.json", "manifest.json", "model.json", "saved_model.pb", "MODEL_CARD.md")
CONTENTS = (b"", b"theirs", b"{}", b"[1]")


def overwrite(folder, name, data):
    present = folder.read(name)
    folder.write_if_generation(name, data, present.generation if present else 0)


def remove(uri):
    if uri.startswith("gs://"):
        storage.Blob.from_uri(uri, storage.Client(project=None)).delete()
    else:
        Path(uri).unlink()


@fault(
    "stale champion",
    "refused with 'evaluate again', pointer and versions unchanged; compared again, it serves",
)
def test_stale(run, store, number):
    run(1)
    run(2, champion=1)
    before = store.folder.entries()
    with pytest.raises(StaleChampionError, match="evaluate again"):
        run(3, champion=pick([None, 1, 3, 9], number))
    assert store.folder.entries() == before
    run(3, champion=2)
    assert serving(store) == 3


@fault(
    "corrupted model file",
    "its version is refused to whoever fetches it, compares with it, predicts with it or rolls "
    "back to it, and the file named; the other version still serves, and the restored one loads",
)
def test_corrupted(run, store, number):
    run(1)
    run(2, champion=1)
    champion.rollback(store)
    folder = store.folder.folder("2")
    name = pick(sorted(store.version(2).files), number)
    content = folder.read(name).data
    flipped = bytearray(content)
    flipped[number * 997 % len(content)] ^= 1 << number % 8
    overwrite(folder, name, bytes(flipped))
    for use in (lambda: champion.rollback(store, 2), store.at_hand(2).__enter__):
        with pytest.raises(UserError, match=name):
            use()
    with store.at_hand(1):
        assert champion.serving(store) == 1
    overwrite(folder, name, content)
    assert serving(store) == 1


@fault(
    "file in the store that is not ours",
    "promoted as if it were not there; it is neither listed nor touched",
)
def test_foreign(run, store, number):
    names = list(FOREIGN)
    present = {name: FOREIGN[name] for name in {pick(names, number), names[number % len(names)]}}
    for name, data in present.items():
        overwrite(store.folder, name, data)
    first, second = run(1).version, None
    second = run(2, champion=first).version
    assert serving(store) == second > first
    assert [version.version for version in store.versions()] == [first, second]
    assert champion.rollback(store).version == first
    assert {name: store.folder.read(name).data for name in present} == present


@fault(
    "file that is not ours in the place of a claimed version",
    "one sentence that names it or its folder; it is not touched, the old champion serves; "
    "promoted when it is gone, the version is whole",
)
def test_in_the_way(run, store, candidate, number):
    run(1)
    model, _ = candidate(2, champion=1)
    name, data = pick(IN_THE_WAY, number), CONTENTS[number % len(CONTENTS)]
    claims = json.loads(store.folder.read("claims.json").data)
    claims[sha256_of_file(model / "model.json")] = 2
    overwrite(store.folder, "claims.json", json.dumps(claims).encode())
    overwrite(store.folder.folder("2"), name, data)
    for _ in range(2):
        with pytest.raises(UserError, match=f"{store.folder.uri}/2"):
            run(2, champion=1)
    assert store.folder.folder("2").read(name).data == data
    assert champion.serving(store) == 1
    remove(f"{store.folder.uri}/2/{name}")
    assert run(2, champion=1).version == serving(store) == 2
