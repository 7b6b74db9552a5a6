"""SIGKILL at enumerated moments of real processes; then the same work once more."""

import pytest
from children import (
    do_prepare,
    do_promote,
    killed_at_request,
    killed_on_disk,
    moments_of_requests,
    moments_on_disk,
)
from faults import fault, pick, serving
from synthetic import write_source

from components.dataset import open_dataset
from components.errors import UserError
from components.promote.model_store import ModelStore
from components.storage import open_folder

PREPARED = "no dataset or a whole one; prepared again, it is the one that an undisturbed run gives"
PROMOTED = (
    "at once the old champion or the new one serves, whole, its digests verified; "
    "promoted again, the new one serves as version 2 and there is no third"
)


@fault("SIGKILL in the middle of prepare", PREPARED)
def test_prepare(place, number, tmp_path, request):
    source = write_source(tmp_path / "source", n_train=40, n_test=10)
    uri, output, undisturbed = str(source), tmp_path / "out", tmp_path / "undisturbed"
    if place == "folder":
        moments = moments_on_disk(tmp_path, do_prepare, uri, undisturbed)
        killed_on_disk(tmp_path, pick(range(len(moments)), number), do_prepare, uri, output)
    else:
        proxy, uri = request.getfixturevalue("proxy"), request.getfixturevalue("gcs_uri")
        open_folder(uri).upload(source)
        moments = moments_of_requests(proxy, do_prepare, uri, undisturbed)
        moment = pick(range(len(moments)), number)
        killed_at_request(proxy, moment, number % 2 == 0, do_prepare, uri, output)
    expected = open_dataset(undisturbed).splits
    try:
        assert open_dataset(output).splits == expected
        [open_dataset(output).read(name) for name in expected]
    except UserError:
        assert not (output / "dataset.json").exists()
    do_prepare(uri, output)
    assert open_dataset(output).splits == expected
    [open_dataset(output).read(name) for name in expected]


@pytest.mark.parametrize(
    "phase",
    [
        pytest.param("publish", marks=fault("SIGKILL in the middle of publish", PROMOTED)),
        pytest.param("pointer", marks=fault("SIGKILL between publish and pointer", PROMOTED)),
    ],
)
def test_promotion(place, phase, uri, store, run, candidate, number, tmp_path, request):
    undisturbed = f"{uri}-undisturbed"
    do_promote(undisturbed, *candidate(1))
    run(1)
    paths = candidate(2, champion=1)
    if place == "folder":
        moments = moments_on_disk(undisturbed, do_promote, undisturbed, *paths)
        killed_on_disk(uri, _choose(moments, phase, number), do_promote, uri, *paths)
    else:
        proxy = request.getfixturevalue("proxy")
        moments = moments_of_requests(proxy, do_promote, undisturbed, *paths)
        moment = _choose(moments, phase, number)
        killed_at_request(proxy, moment, number % 2 == 0, do_promote, uri, *paths)
    assert serving(ModelStore(undisturbed, "digits")) == 2
    assert serving(store) in {1, 2}
    assert (run(2, champion=1).version, serving(store)) == (2, 2)
    assert [version.version for version in store.versions()] == [1, 2]


def _choose(moments, phase, number):
    """Publishing begins with the claim and ends with the file that makes a version loadable."""
    begins = next(i for i, name in enumerate(moments) if "claims.json" in name)
    ends = max(i for i, name in enumerate(moments) if "saved_model.pb" in name) + 1
    return pick(range(begins, ends) if phase == "publish" else range(ends, len(moments)), number)
