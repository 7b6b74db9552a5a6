import base64
import io
from html.parser import HTMLParser

import numpy as np
import pytest
from PIL import Image
from synthetic import shipped, write_pair

from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint
from components.data_prep.visualize import first_images, mean_images, visualize
from components.dataset import Split

IMAGES, LABELS = shipped("train", 200)
MARKUP = "<script>alert(1)</script>"


class Page(HTMLParser):
    """Collects what a browser would: tags, pictures and the text of table rows."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.pictures, self.rows, self.text = [], [], [], ""
        self.in_row = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        if tag == "img":
            self.pictures.append(dict(attrs))
        if tag == "tr":
            self.in_row = True
            self.rows.append([])

    def handle_data(self, data):
        self.text += data
        if self.in_row and data.strip():
            self.rows[-1].append(data.strip())

    def handle_endtag(self, tag):
        self.in_row = self.in_row and tag != "tr"


def pixels(uri):
    data = base64.b64decode(uri.removeprefix("data:image/png;base64,"))
    return np.asarray(Image.open(io.BytesIO(data)))


def make_page(folder, class_names=()):
    source = folder / "source"
    write_pair(source, "train", IMAGES[:150], LABELS[:150])
    write_pair(source, "t10k", IMAGES[150:], LABELS[150:])
    if class_names:
        (source / "classes.txt").write_text("\n".join(class_names))
    uri, path = str(source), folder / "page.html"
    dataset = prepare(uri, fingerprint(uri), 30, 0, folder / "dataset")
    visualize(dataset, None, 0, folder / "drift.json", path)
    return Page(path.read_text()), dataset


@pytest.fixture(scope="module")
def page_and_dataset(tmp_path_factory):
    return make_page(tmp_path_factory.mktemp("page"))


def test_the_first_25_training_images_with_their_labels(page_and_dataset):
    page, dataset = page_and_dataset
    split = dataset.read("train")
    for picture, image, label in zip(page.pictures, split.images[:25], split.labels, strict=False):
        np.testing.assert_array_equal(pixels(picture["src"]), image.reshape(28, 28))
        assert picture["alt"] == f"training image of class {label}"
    assert len(page.pictures) == 25 + 10


def test_the_mean_image_of_each_class(page_and_dataset):
    page, dataset = page_and_dataset
    split = dataset.read("train")
    for label, picture in enumerate(page.pictures[25:]):
        mean = split.images[split.labels == label].mean(axis=0).reshape(28, 28)
        assert np.abs(pixels(picture["src"]) - mean).max() <= 0.5


def test_shapes_and_class_counts(page_and_dataset):
    page, dataset = page_and_dataset
    assert ["x_train", "(150, 28, 28)", "(150, 784)"] in page.rows
    assert ["y_test", "(50,)", "(50,)"] in page.rows
    for label in range(10):
        counts = [str(info.class_counts[label]) for info in dataset.splits.values()]
        assert [str(label), *counts] in page.rows


def test_the_fingerprint_is_on_the_page(page_and_dataset):
    page, dataset = page_and_dataset
    assert dataset.fingerprint in page.text


def test_names_from_outside_are_text(tmp_path):
    folder = tmp_path / "<img src=x onerror=alert(1)>"
    folder.mkdir()
    page, _ = make_page(folder, [MARKUP, '"><script>', "&amp;", *"defghij"])
    assert "script" not in page.tags
    assert len(page.pictures) == 25 + 10
    assert MARKUP in page.text
    assert "&amp;" in page.text
    assert folder.name in page.text


def test_mean_images_of_large_images_are_small_and_in_blocks(monkeypatch):
    monkeypatch.setattr("components.data_prep.visualize._BLOCK", 2)
    images = np.random.default_rng(0).integers(0, 256, (3, 600 * 300), np.uint8)
    means = mean_images(Split(images, np.array([1, 0, 1], np.uint8)), (600, 300))
    shown = images.reshape(3, 600, 300)[:, ::13, ::13]
    assert shown[0].shape == (47, 24)
    np.testing.assert_array_equal(means[0], shown[1])
    np.testing.assert_array_equal(means[1], shown[[0, 2]].mean(axis=0).round())


def test_a_class_without_images_has_no_mean_image():
    split = Split(np.array([[0, 1, 2, 3], [2, 3, 4, 6]], np.uint8), np.array([2, 2], np.uint8))
    means = mean_images(split, (2, 2))
    assert list(means) == [2]
    # (3 + 6) / 2 = 4.5 is rounded to even.
    assert means[2].tolist() == [[1, 2], [3, 4]]


def test_fewer_than_25_images_are_all_shown():
    images = np.arange(12, dtype=np.uint8).reshape(3, 4)
    shown = first_images(Split(images, np.array([1, 0, 1], np.uint8)), (2, 2))
    assert [(image.tolist(), label) for image, label in shown][2] == ([[8, 9], [10, 11]], 1)
    assert len(shown) == 3
