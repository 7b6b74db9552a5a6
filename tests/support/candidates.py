"""Small exported models with their evaluations: `from candidates import write_candidate`."""

import hashlib
import json
from pathlib import Path

import h5py
import numpy as np

from components.evaluate.comparison import mcnemar

FILES = ("fingerprint.pb", "saved_model.pb", "variables/variables.data-00000-of-00001")


def write_candidate(folder, number, accuracy=0.98, champion=None, right=20, wrong=20, size=1000):
    """Writes `model/` and `evaluation.json`; two numbers give two different models.

    Args:
        folder: Where to.
        number: Makes the model unlike any other.
        accuracy: What the evaluation says.
        champion: The version that it was compared with.
        right: On how many images it is right alone.
        wrong: On how many it is wrong alone.
        size: Bytes of each file of the SavedModel.
    """
    model = write_model(folder / "model", number, size)
    write_evaluation(folder, model, accuracy, champion, right, wrong)
    return model, folder / "evaluation.json"


def write_model(folder, number=0, size=1000):
    """Writes a model of one layer from 784 pixels to 10 classes, which can be loaded."""
    rng = np.random.default_rng(number)
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(rng.bytes(size))
    with h5py.File(folder / "model.weights.h5", "w") as weights:
        weights["layers/dense/vars/0"] = rng.normal(size=(784, 10)).astype(np.float32)
        weights["layers/dense/vars/1"] = np.zeros(10, np.float32)
    names = (*FILES, "model.weights.h5")
    document = {
        "format": 1,
        "recipe": {"name": "fast", "epochs": 3},
        "seed": number,
        "image_shape": [28, 28],
        "class_names": list("0123456789"),
        "hidden_units": [],
        "activation": "relu",
        "parameters": 7850,
        "dataset": {
            "fingerprint": "f" * 64,
            "splits": {"train": {"count": 55000}, "validation": {"count": 5000}},
        },
        "history": [],
        "device": "CPU",
        "versions": {"python": "3.11.7", "keras": "3.15.1"},
        "files": {name: hashlib.sha256((folder / name).read_bytes()).hexdigest() for name in names},
    }
    (folder / "model.json").write_text(json.dumps(document))
    return folder


def write_evaluation(folder, model, accuracy=0.98, champion=None, right=20, wrong=20):
    """Writes `evaluation.json` as evaluating the model would, in what promotion reads of it."""
    test = mcnemar(wrong, right)
    document = {
        "class_names": list("0123456789"),
        "num_test_images": 10000,
        "accuracy": accuracy,
        "accuracy_interval": [accuracy - 0.003, accuracy + 0.003],
        "loss": 0.07,
        "macro_precision": accuracy,
        "macro_recall": accuracy,
        "macro_f1": accuracy,
        "per_class": [
            {"name": str(n), "precision": 0.97, "recall": 0.98, "f1": 0.975, "support": 1000}
            for n in range(10)
        ],
        "dataset_fingerprint": "f" * 64,
        "model_digest": hashlib.sha256((Path(model) / "model.json").read_bytes()).hexdigest(),
        "champion": None,
    }
    if champion is not None:
        document["champion"] = {
            "version": champion,
            "difference": (right - wrong) / 10000,
            "difference_interval": [(right - wrong) / 10000 - 0.001, 0.001],
            "mcnemar": {"b": wrong, "c": right, "p_one_sided": test.p_one_sided},
        }
    (folder / "evaluation.json").write_text(json.dumps(document))
    return folder / "evaluation.json"
