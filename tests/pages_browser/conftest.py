"""Every page of the pipeline, made once from a few hundred digits."""

import numpy as np
import pytest
from chromium import browser
from models import write_model
from synthetic import write_source

from components.data_prep import sources
from components.data_prep.prepare import prepare
from components.evaluate.evaluate import evaluate
from components.train import curves

NAMES = [str(digit) for digit in range(10)]


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """A folder with data.html, training.html and evaluation.html."""
    folder = tmp_path_factory.mktemp("pages")
    source = str(write_source(folder / "source"))
    fingerprint = sources.fingerprint(source)
    dataset = prepare(source, fingerprint, 50, 0, folder / "dataset", folder / "data.html")
    make_training_page(folder / "training.html")
    evaluate(
        dataset,
        nearest_mean_model(folder / "model", dataset, 400),
        folder / "evaluation.json",
        folder / "evaluation.html",
        champion_dir=nearest_mean_model(folder / "champion", dataset, 120),
        champion_version=12,
    )
    return folder


def nearest_mean_model(folder, dataset, count):
    """A model that compares with the mean of each class over the first so many images."""
    train = dataset.read("train")
    images, labels = train.images[:count] / 255, train.labels[:count]
    means = np.stack([images[labels == digit].mean(axis=0) for digit in range(10)])
    kernel, bias = means.T.astype(np.float32), (-(means**2).sum(axis=1) / 2).astype(np.float32)
    return write_model(folder, [(kernel, bias)], [28, 28], NAMES)


def make_training_page(path):
    history = [
        {
            "epoch": epoch,
            "loss": 0.3 / epoch,
            "accuracy": 1 - 0.08 / epoch,
            "val_loss": 0.2 / epoch + 0.01 * epoch,
            "val_accuracy": 0.98 - 0.06 / epoch,
            "learning_rate": 0.001 / epoch,
            "seconds": 4 + 0.1 * epoch,
        }
        for epoch in range(1, 13)
    ]
    manifest = {
        "recipe": {"name": "tutorial", "hidden_units": [256], "epochs": 12, "batch_size": 32},
        "seed": 0,
        "dataset": {"fingerprint": "ab" * 32, "train": 55000, "validation": 5000},
        "device": "CPU: a processor with a rather long name at 2.70 GHz",
        "versions": {"python": "3.11.2", "tensorflow": "2.21.0"},
        "averaged": None,
    }
    curves.render_page(path, manifest, history, "Model\n" + "━" * 76)


@pytest.fixture(scope="session")
def tab():
    with browser() as started:
        yield started
