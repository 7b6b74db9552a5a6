import json

import numpy as np
import pytest
from synthetic import write_source

from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint
from components.dataset import open_dataset
from components.errors import UserError


@pytest.fixture
def dataset(tmp_path):
    uri = str(write_source(tmp_path / "source", n_train=200, n_test=50))
    return prepare(uri, fingerprint(uri), 30, 0, tmp_path / "dataset")


def test_opens_as_it_was_written(dataset):
    assert open_dataset(dataset.path) == dataset


def test_reads_flat_bytes_mapped_from_the_disk(dataset):
    for name, count in (("train", 170), ("validation", 30), ("test", 50)):
        split = dataset.read(name)
        assert split.images.shape == (count, 784)
        assert split.labels.shape == (count,)
        assert split.images.dtype == split.labels.dtype == np.uint8
        assert isinstance(split.images, np.memmap)
        assert not split.images.flags.writeable


def test_statistics_are_finite_scalars_of_the_three_splits(dataset):
    statistics = dataset.statistics()
    assert statistics["train_images"] == 170
    assert statistics["validation_images"] == 30
    assert statistics["test_images"] == 50
    assert statistics["pixels_flattened"] == 784
    pixels = dataset.read("train").images.astype(np.float64) / 255
    assert statistics["train_pixel_mean"] == pytest.approx(pixels.mean(), rel=1e-12)
    assert statistics["train_pixel_deviation"] == pytest.approx(pixels.std(), rel=1e-12)
    assert {type(value) for value in statistics.values()} <= {int, float}


def test_shapes_before_and_after_flattening(dataset):
    assert dataset.shapes() == [
        ("x_train", (200, 28, 28), (200, 784)),
        ("y_train", (200,), (200,)),
        ("x_test", (50, 28, 28), (50, 784)),
        ("y_test", (50,), (50,)),
    ]


@pytest.mark.parametrize("file", ["images.npy", "labels.npy"])
def test_refuses_a_file_with_a_flipped_bit(dataset, file):
    path = dataset.path / "test" / file
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(UserError, match=file):
        dataset.read("test")


@pytest.mark.parametrize("file", ["images.npy", "labels.npy"])
def test_refuses_a_missing_file(dataset, file):
    (dataset.path / "train" / file).unlink()
    with pytest.raises(UserError, match=file):
        dataset.read("train")


def _edit(dataset, edit):
    path = dataset.path / "dataset.json"
    fields = json.loads(path.read_text())
    edit(fields)
    path.write_text(json.dumps(fields))


@pytest.mark.parametrize("count", [49, 51])
def test_refuses_a_count_that_is_not_that_of_the_arrays(dataset, count):
    _edit(dataset, lambda fields: fields["splits"]["test"].update(count=count))
    with pytest.raises(UserError, match="says uint8 of shape"):
        open_dataset(dataset.path).read("test")


def test_refuses_another_format(dataset):
    _edit(dataset, lambda fields: fields.update(format=1))
    with pytest.raises(UserError, match="format 1"):
        open_dataset(dataset.path)


@pytest.mark.parametrize(
    "edit",
    [
        lambda fields: fields.pop("format"),
        lambda fields: fields.pop("fingerprint"),
        lambda fields: fields.update(image_shape=[28]),
        lambda fields: fields.update(class_names=None),
        lambda fields: fields["splits"].pop("validation"),
        lambda fields: fields["splits"]["train"].update(class_counts=[1, 2]),
        lambda fields: fields["splits"]["train"].update(surprise=1),
    ],
)
def test_refuses_a_damaged_description(dataset, edit):
    _edit(dataset, edit)
    with pytest.raises(UserError, match=r"dataset\.json is damaged"):
        open_dataset(dataset.path)


@pytest.mark.parametrize("text", ["", "{", "[]", "\0\xff"])
def test_refuses_what_is_no_description(dataset, text):
    (dataset.path / "dataset.json").write_text(text)
    with pytest.raises(UserError, match=r"dataset\.json is damaged"):
        open_dataset(dataset.path)


def test_a_folder_without_its_description_is_not_a_dataset(dataset):
    (dataset.path / "dataset.json").unlink()
    with pytest.raises(UserError, match="not a whole dataset"):
        open_dataset(dataset.path)
    with pytest.raises(UserError, match="not a whole dataset"):
        open_dataset(dataset.path / "nowhere")
