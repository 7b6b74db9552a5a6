import json
import math

import h5py
import numpy as np
import pytest
from models import write_model, write_weights

from components.dense_model import load_model, softmax
from components.errors import UserError
from components.files import sha256_of_file

# 2 pixels -> 2 hidden units -> 2 classes
LAYERS = (
    (np.array([[1, -1], [2, 0]], np.float32), np.array([0.5, 0.25], np.float32)),
    (np.array([[1, 0], [0, 4]], np.float32), np.array([0, -1], np.float32)),
)


@pytest.fixture
def folder(tmp_path):
    return write_model(tmp_path / "model", LAYERS, [1, 2], ["cat", "dog"])


def change_manifest(folder, **changes):
    manifest = json.loads((folder / "model.json").read_text())
    (folder / "model.json").write_text(json.dumps(manifest | changes))


def change_weights(folder, change):
    """Changes the weights file and the manifest with it."""
    change(folder / "model.weights.h5")
    change_manifest(folder, files={"model.weights.h5": sha256_of_file(folder / "model.weights.h5")})


def test_logits_by_hand(folder):
    model = load_model(folder)
    # [255, 0] -> x = [1, 0] -> relu([1.5, -0.75]) = [1.5, 0] -> [1.5, -1]
    # [0, 51]  -> x = [0, .2] -> relu([0.9, 0.25])            -> [0.9, 0]
    logits = model.logits(np.array([[255, 0], [0, 51]], np.uint8))
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, [[1.5, -1], [0.9, 0]], rtol=1e-6)


def test_probabilities_by_hand(folder):
    (probability, other), *_ = load_model(folder).probabilities(np.array([[255, 0]], np.uint8))
    assert probability == pytest.approx(math.exp(1.5) / (math.exp(1.5) + math.exp(-1)), rel=1e-6)
    assert probability + other == pytest.approx(1)


def test_softmax_of_huge_logits_is_finite():
    np.testing.assert_array_equal(softmax(np.array([[1e30, 0.0]], np.float32)), [[1, 0]])


def test_pixels_are_divided_by_255_in_float32_bit_for_bit(tmp_path):
    layer = (np.ones((1, 1), np.float32), np.zeros(1, np.float32))
    model = load_model(write_model(tmp_path / "model", [layer], [1, 1], ["only"]))
    pixels = np.arange(256, dtype=np.uint8).reshape(-1, 1)
    np.testing.assert_array_equal(model.logits(pixels), pixels.astype("float32") / 255)


def test_blocks_give_what_single_images_give(folder):
    model = load_model(folder)
    images = np.random.default_rng(0).integers(0, 256, (9000, 2), np.uint8)
    logits = model.logits(images)
    for index in (0, 4095, 4096, 8191, 8192, 8999):
        np.testing.assert_allclose(logits[index], model.logits(images[[index]])[0], rtol=1e-6)


def test_manifest_is_read(folder):
    model = load_model(folder)
    assert model.class_names == ("cat", "dog")
    assert model.image_shape == (1, 2)
    assert model.digest == sha256_of_file(folder / "model.json")


def flip_a_byte(folder):
    data = bytearray((folder / "model.weights.h5").read_bytes())
    data[-1] ^= 1
    (folder / "model.weights.h5").write_bytes(data)


def test_digests_of_all_files_are_verified(folder):
    (folder / "saved_model").mkdir()
    (folder / "saved_model" / "saved_model.pb").write_bytes(b"graph")
    files = {name: sha256_of_file(folder / name) for name in ("model.weights.h5",)}
    change_manifest(folder, files=files | {"saved_model/saved_model.pb": "0" * 64})
    with pytest.raises(UserError, match=r"saved_model\.pb"):
        load_model(folder)


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda f: (f / "model.json").unlink(), id="no model.json"),
        pytest.param(lambda f: (f / "model.json").write_text("{"), id="cut model.json"),
        pytest.param(lambda f: (f / "model.json").write_bytes(b"\xff\xfe"), id="binary model.json"),
        pytest.param(lambda f: (f / "model.json").write_text("[]"), id="a list"),
        pytest.param(lambda f: change_manifest(f, format=2), id="later format"),
        pytest.param(lambda f: change_manifest(f, activation="gelu"), id="other activation"),
        pytest.param(lambda f: change_manifest(f, image_shape=[2]), id="no width"),
        pytest.param(lambda f: change_manifest(f, image_shape=None), id="no shape"),
        pytest.param(lambda f: change_manifest(f, hidden_units=["2"]), id="units as text"),
        pytest.param(lambda f: change_manifest(f, hidden_units=[-2]), id="negative units"),
        pytest.param(lambda f: change_manifest(f, class_names=[1, 2]), id="numbers for names"),
        pytest.param(lambda f: change_manifest(f, class_names=["a"]), id="one class too few"),
        pytest.param(lambda f: change_manifest(f, hidden_units=[2, 2]), id="a layer too few"),
        pytest.param(lambda f: change_manifest(f, files=None), id="no digests"),
        pytest.param(lambda f: change_manifest(f, files={}), id="weights not listed"),
        pytest.param(lambda f: (f / "model.weights.h5").unlink(), id="no weights"),
        pytest.param(flip_a_byte, id="flipped byte"),
        pytest.param(
            lambda f: change_weights(f, lambda w: w.write_bytes(w.read_bytes()[:900])),
            id="cut weights",
        ),
        pytest.param(lambda f: change_weights(f, lambda w: w.write_bytes(b"")), id="empty weights"),
        pytest.param(
            lambda f: change_weights(f, lambda w: write_weights(w, [LAYERS[0]])), id="layer missing"
        ),
        pytest.param(
            lambda f: change_weights(
                f, lambda w: write_weights(w, [(k[:1], b) for k, b in LAYERS])
            ),
            id="wrong shape",
        ),
        pytest.param(
            lambda f: change_weights(
                f, lambda w: write_weights(w, [(k.astype(float), b) for k, b in LAYERS])
            ),
            id="wrong dtype",
        ),
        pytest.param(
            lambda f: change_weights(
                f, lambda w: write_weights(w, [(k * np.nan, b) for k, b in LAYERS])
            ),
            id="NaN",
        ),
    ],
)
def test_a_damaged_model_is_refused(folder, damage):
    damage(folder)
    with pytest.raises(UserError, match=str(folder)):
        load_model(folder)


def test_groups_in_place_of_arrays_are_refused(folder):
    def replace(file):
        with h5py.File(file, "w") as weights:
            weights.create_group("layers/dense/vars/0")

    change_weights(folder, replace)
    with pytest.raises(UserError):
        load_model(folder)


@pytest.mark.parametrize(
    "name", ["../secret", "a/../../secret", "{outside}", "./secret", "a//secret", "", "..\\secret"]
)
def test_files_outside_the_folder_are_never_read(folder, name):
    secret = folder.parent / "secret"
    secret.write_bytes(b"secret")
    name = name.format(outside=secret)
    digests = {"model.weights.h5": sha256_of_file(folder / "model.weights.h5")}
    change_manifest(folder, files=digests | {name: sha256_of_file(secret)})
    with pytest.raises(UserError, match=r"name .* is refused|secret is missing"):
        load_model(folder)
