"""The pages of real runs, on a few hundred digits."""

import numpy as np
import pytest
from chromium import browser
from runs import write_comparison
from synthetic import shipped, write_pair

from pipelines import local
from pipelines.local import RunRequest

# Deforms, so that the training page shows all it can.
SETTINGS = ("epochs=3", "hidden_units=32", "batch_size=32", "rotation=10", "zoom=0.1")
FASHION = ["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"]
FASHION += ["Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"]
MARKUP = "<img class=planted src=x onerror=alert(1)>"


class Nobody:
    def step_started(self, step): ...

    def step_progressed(self, step, progress): ...

    def step_ended(self, step): ...


@pytest.fixture(scope="session")
def pages(tmp_path_factory):
    """The folder of a run that had a champion, trained on other data, to compare with."""
    return make_runs(tmp_path_factory.mktemp("pages"), "digits", FASHION)


@pytest.fixture(scope="session")
def planted(tmp_path_factory):
    """The same where every text that comes from outside holds markup."""
    folder = tmp_path_factory.mktemp("planted")
    return make_runs(folder, MARKUP, [f"{name}{MARKUP}" for name in FASHION])


@pytest.fixture(scope="session")
def markup():
    return MARKUP


def make_runs(folder, name, class_names):
    """Runs the pipeline twice, the second time on brighter digits and fewer sneakers; compares."""
    outputs = [folder / "runs" / f"{name}-{number}" for number in (1, 2)]
    request = {"recipe": "fast", "settings": SETTINGS, "store": str(folder / "models")}
    request["min_accuracy"] = 0.1
    for brightness, output in enumerate(outputs, start=1):
        source = write_digits(folder / f"{name}{brightness}", brightness, class_names)
        result = local.run(RunRequest(str(source), seed=0, output=output, **request), Nobody())
        assert result.error is None
    assert result.evaluation["champion"]["disagreements"] > 25
    assert result.warnings
    write_comparison(output / "comparison.html", *outputs)
    return output


def write_digits(folder, brightness, class_names):
    images, labels = shipped("train", 1500)
    kept = (labels != 7) | (np.arange(1500) % brightness == 0)
    brighter = np.minimum(255, images[kept].astype(int) * brightness).astype(np.uint8)
    write_pair(folder, "train", brighter, labels[kept])
    write_pair(folder, "t10k", *shipped("t10k", 10_000))
    (folder / "classes.txt").write_text("\n".join(class_names))
    return folder


@pytest.fixture(scope="session")
def tab():
    with browser() as started:
        yield started
