"""The training page of trainings that are longer than a table should be."""

import pytest
from html_outline import assert_well_made

from components.train.curves import LayerRow, render_page

LAYERS = [LayerRow("hidden_1", "Dense", (None, 256), 200960, 200960)]


def epoch(number, best):
    return {
        "epoch": number,
        "loss": 1 / number,
        "accuracy": 0.9,
        "val_loss": 1 / number,
        "val_accuracy": 0.99 if number == best else 0.9,
        "learning_rate": 0.001,
        "seconds": 0.5,
    }


def page(path, epochs, best=1, averaged=None):
    split = {"count": 1000}
    manifest = {
        "recipe": {"name": "fast", "hidden_units": (256, 128)},
        "seed": 0,
        "device": "CPU",
        "versions": {},
        "dataset": {"fingerprint": "f", "splits": {"train": split, "validation": split}},
        "history": [epoch(number, best) for number in range(1, epochs + 1)],
        "averaged": averaged,
    }
    render_page(path / "page.html", manifest, LAYERS, [])
    text = (path / "page.html").read_text()
    assert_well_made(text)
    return text


def shown(text):
    """Epochs in the table."""
    rows = text.split('<tr><td class="number">')[1:]
    return [int(row.split("<")[0]) for row in rows]


def test_every_epoch_of_a_short_training_is_in_the_table(tmp_path):
    assert shown(page(tmp_path, 100)) == list(range(1, 101))


def test_a_long_training_keeps_its_first_best_and_last_epoch_and_a_small_page(tmp_path):
    text = page(tmp_path, 20_001, best=777)
    epochs = shown(text)
    assert epochs[0] == 1 and epochs[-1] == 20_001 and 777 in epochs
    assert 90 <= len(epochs) <= 104
    assert "99.00\N{NO-BREAK SPACE}% (best)" in text
    assert len(text) < 600_000


def test_one_epoch_has_one_tick(tmp_path):
    assert ">0.5<" not in page(tmp_path, 1).split("Accuracy")[0].split("<svg")[1]


@pytest.mark.parametrize("exported", [0, 1])
def test_the_large_figure_is_that_of_the_exported_weights(tmp_path, exported):
    averaged = {"val_accuracy": 0.95, "val_loss": 0.1, "exported": exported}
    text = page(tmp_path, 3, averaged=averaged)
    large = text.split('<div class="tile main">')[1].split("</div>")[0]
    assert ("95.00" in large) == bool(exported)
    assert ("90.00" in large) != bool(exported)
    assert "256, 128" in text
