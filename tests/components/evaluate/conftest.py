"""A dataset and models whose every prediction is known beforehand.

An image of three pixels shows class i by a bright pixel i. A model is a permutation: its one
layer says that an image of class i is of class `answers[i]`.
"""

import numpy as np
import pytest
from models import write_dataset, write_model

NAMES = ["ant", "bee", "cat"]


@pytest.fixture
def dataset(tmp_path):
    """Ten images: six show an ant (one of them labelled bee), three a bee, one a cat."""
    shown = np.array([0, 0, 0, 0, 0, 0, 1, 1, 1, 2])
    labels = np.array([0, 0, 0, 0, 0, 1, 1, 1, 1, 2], np.uint8)
    images = np.eye(3, dtype=np.uint8)[shown] * 255
    return write_dataset(tmp_path / "dataset", images, labels, [1, 3], NAMES)


@pytest.fixture
def make_model(tmp_path):
    def make(name, answers=(0, 1, 2), names=NAMES, sureness=4.0):
        kernel = np.eye(3, dtype=np.float32)[list(answers)] * np.float32(sureness)
        layers = [(kernel, np.zeros(3, np.float32))]
        return write_model(tmp_path / name, layers, [1, 3], names)

    return make
