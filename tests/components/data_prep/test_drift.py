"""What counts as moved since the champion's data, with figures worked out by hand."""

import json
from dataclasses import asdict
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from candidates import write_candidate, write_evaluation
from models import write_dataset

from components.data_prep.drift import compare, since_champion
from components.data_prep.visualize import visualize
from components.dataset import PreparedDataset, SplitInfo
from components.promote.candidate import open_candidate
from components.promote.model_store import ModelStore

NAMES = ("ant", "bee")
EVIL = "<script>alert(1)</script>"


def split(counts, mean=0.2, deviation=0.3):
    return SplitInfo(sum(counts), "0" * 64, "1" * 64, tuple(counts), mean, deviation)


def dataset(train, test=None, names=NAMES, shape=(28, 28)):
    """A dataset of which the files are somewhere else."""
    splits = {"train": train, "validation": split([1] * len(names)), "test": test or train}
    return PreparedDataset(Path(), "somewhere", (), "a" * 64, shape, names, splits)


def model(of):
    """What model.json says of the dataset that the model was trained on."""
    return {
        "class_names": list(of.class_names),
        "image_shape": list(of.image_shape),
        "dataset": {
            "fingerprint": "b" * 64,
            "splits": {name: asdict(info) for name, info in of.splits.items()},
        },
    }


def warnings(before, now):
    return compare(now, 3, model(before)).warnings


def test_the_figures_of_both():
    before, now = dataset(split([400, 600], 0.2)), dataset(split([500, 500], 0.25, 0.31))
    drift = compare(now, 3, model(before))
    train = drift.splits["train"]
    assert drift.version == 3 and list(drift.splits) == ["train", "test"]
    assert (train.count_before, train.count) == (1000, 1000)
    assert (train.class_shares["ant"].before, train.class_shares["ant"].now) == (0.4, 0.5)
    assert (train.pixel_mean.before, train.pixel_mean.now) == (0.2, 0.25)
    assert train.pixel_mean.moved and not train.pixel_deviation.moved


@pytest.mark.parametrize(
    ("before", "now", "moved"),
    [
        ([4000, 6000], [4790, 5210], False),  # 0.40 to 0.479: less than a fifth
        ([4000, 6000], [4810, 5190], True),  # to 0.481: more
        ([4000, 6000], [3190, 6810], True),  # to 0.319, down
        ([40, 60], [55, 45], False),  # to 0.55, 0.07 is one standard error: chance
        ([40, 60], [62, 38], True),  # to 0.62: 3.11 standard errors of 0.0707
    ],
)
def test_a_class_share_moves_by_a_fifth_and_beyond_chance(before, now, moved):
    drift = compare(dataset(split(now)), 3, model(dataset(split(before))))
    assert drift.splits["train"].class_shares["ant"].moved is moved


def test_a_warning_names_split_class_and_both_figures():
    before = dataset(split([4000, 6000]))
    assert warnings(before, dataset(split([3000, 7000]), split([4000, 6000]))) == [
        "Class ant is 30.0% of train, was 40.0%."
    ]
    assert warnings(before, dataset(split([4000, 6000]), split([4000, 6000], 0.15))) == [
        "The pixel mean of test is 0.1500, was 0.2000."
    ]
    assert warnings(before, dataset(split([4000, 6000], 0.2, 0.34))) == [
        "The pixel deviation of train is 0.3400, was 0.3000.",
        "The pixel deviation of test is 0.3400, was 0.3000.",
    ]


def test_pixels_may_move_by_a_tenth():
    assert not warnings(dataset(split([5, 5])), dataset(split([5, 5], 0.2199, 0.2701)))


def test_other_classes_and_sizes_are_named_and_those_in_common_compared():
    before = dataset(split([4000, 6000]))
    now = dataset(split([4000, 500, 500]), names=("bee", "cat", "dog"), shape=(32, 30))
    drift = compare(now, 3, model(before))
    assert drift.warnings[:3] == [
        "New classes (cat, dog).",
        "Lost classes (ant).",
        "Images have 32x30 pixels, had 28x28.",
    ]
    shares = drift.splits["train"].class_shares
    assert {name: (share.before, share.now) for name, share in shares.items()} == {
        "bee": (0.6, 0.8),
        "cat": (None, 0.1),
        "dog": (None, 0.1),
        "ant": (0.4, None),
    }
    assert [name for name, share in shares.items() if share.moved] == ["bee"]


def test_another_order_of_the_classes_is_warned_of():
    before = dataset(split([5, 5]))
    now = dataset(split([5, 5]), names=NAMES[::-1])
    assert warnings(before, now) == ["Its classes in another order."]


@pytest.fixture
def store(tmp_path):
    return ModelStore(str(tmp_path / "store"), "mnist")


def publish(store, folder, described, fingerprint="b" * 64):
    """Publishes a model that was trained on a dataset."""
    write_candidate(folder, 1)
    document = json.loads((folder / "model" / "model.json").read_text())
    document |= {key: described[key] for key in ("class_names", "image_shape")}
    document["dataset"] = described["dataset"] | {"fingerprint": fingerprint}
    (folder / "model" / "model.json").write_text(json.dumps(document))
    return store.publish(
        open_candidate(folder / "model", write_evaluation(folder, folder / "model"))
    )


@pytest.fixture
def prepared(tmp_path):
    images = np.full((20, 4), 51, np.uint8)
    labels = np.array([0, 1] * 10, np.uint8)
    return write_dataset(tmp_path / "dataset", images, labels, [2, 2], [EVIL, "bee"])


def test_the_page_warns_and_the_artifact_has_the_figures(store, prepared, tmp_path):
    before = dataset(split([4000, 6000], 0.25, 0.0), names=(EVIL, "bee"), shape=(2, 2))
    version = publish(store, tmp_path / "old", model(before))
    visualize(prepared, store, version, tmp_path / "drift.json", tmp_path / "data.html")
    drift = json.loads((tmp_path / "drift.json").read_text())
    assert drift["warnings"] == [
        "The pixel mean of train is 0.2000, was 0.2500.",
        "The pixel mean of test is 0.2000, was 0.2500.",
    ]
    assert drift["splits"]["train"]["class_shares"][EVIL] == {
        "before": 0.4,
        "now": 0.5,
        "moved": False,
    }
    page = (tmp_path / "data.html").read_text()
    assert "The pixel mean of train is 0.2000, was 0.2500." in page
    assert "▼&nbsp;0.2000" in page and "▲" in page
    assert "<script" not in page


def test_where_there_is_nothing_to_compare_the_page_says_why(store, prepared, tmp_path):
    same = publish(store, tmp_path / "same", model(prepared), prepared.fingerprint)
    assert since_champion(prepared, None, 0) == since_champion(prepared, store, 0)
    assert "no champion yet" in since_champion(prepared, store, 0).note
    assert "that version 1 was trained on" in since_champion(prepared, store, same).note
    visualize(prepared, store, same, tmp_path / "drift.json", tmp_path / "data.html")
    assert "that version 1 was trained on" in (tmp_path / "data.html").read_text()
    assert json.loads((tmp_path / "drift.json").read_text())["splits"] == {}


def test_a_version_from_before_models_described_their_data_is_not_compared(prepared):
    document = json.dumps({"dataset": {"fingerprint": "b" * 64, "train": 55000}}).encode()
    old = SimpleNamespace(read=lambda number, name: document)
    assert "does not say" in since_champion(prepared, old, 2).note
