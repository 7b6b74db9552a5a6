import numpy as np
import pytest
from synthetic import shipped, write_source

from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint
from components.dataset import Split


@pytest.fixture(scope="session")
def dataset_dir(tmp_path_factory):
    """340 training, 60 validation and 100 test images."""
    folder = tmp_path_factory.mktemp("digits")
    uri = str(write_source(folder / "raw"))
    prepare(uri, fingerprint(uri), 60, 0, folder / "dataset")
    return folder / "dataset"


@pytest.fixture(scope="session")
def digits():
    """The first 300 training digits, in memory."""
    images, labels = shipped("train", 300)
    return Split(np.ascontiguousarray(images.reshape(300, 784)), labels)
