"""Every page of the pipeline, made once from a few hundred digits."""

import numpy as np
import pytest
from chromium import browser
from models import write_model
from synthetic import write_source

from components.data_prep import sources
from components.data_prep.prepare import prepare
from components.evaluate.evaluate import evaluate
from components.train.trainer import train

# Deforms, so that the training page shows all it can.
CHANGES = {"epochs": 3, "hidden_units": [32], "rotation": 10.0, "zoom": 0.1}


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """A folder with data.html, training.html and evaluation.html."""
    folder = tmp_path_factory.mktemp("pages")
    source = str(write_source(folder / "source"))
    fingerprint = sources.fingerprint(source)
    dataset = prepare(source, fingerprint, 50, 0, folder / "dataset", folder / "data.html")
    train(dataset.path, "tutorial", CHANGES, 0, folder / "model", folder / "training.html")
    evaluate(
        dataset,
        folder / "model",
        folder / "evaluation.json",
        folder / "evaluation.html",
        champion_dir=nearest_mean_model(folder / "champion", dataset),
        champion_version=12,
    )
    return folder


def nearest_mean_model(folder, dataset):
    """A model that takes the class whose mean image is nearest."""
    train = dataset.read("train")
    images = train.images / 255
    means = np.stack([images[train.labels == digit].mean(axis=0) for digit in range(10)])
    kernel, bias = means.T.astype(np.float32), (-(means**2).sum(axis=1) / 2).astype(np.float32)
    return write_model(folder, [(kernel, bias)], [28, 28], list(dataset.class_names))


@pytest.fixture(scope="session")
def tab():
    with browser() as started:
        yield started
