"""Folders of runs, and pages that compare them: `from runs import write_run`."""

import hashlib
import json

from candidates import write_candidate

from components.promote.model_store import ModelStore
from pipelines import compare

RECIPE = {"name": "fast", "hidden_units": [256], "epochs": 3, "learning_rate": 0.015}


def write_run(folder, model=None, evaluation=None, splits=None, **recipe):
    """Writes `model/` and `evaluation.json` of a run that succeeded; returns the folder.

    Args:
        folder: Where to.
        model: Replaces entries of model.json.
        evaluation: Replaces entries of evaluation.json.
        splits: Which images the run has by split, any text where two differ; `{}` is a run of
            before their digests were kept.
        **recipe: Replaces fields of the recipe.
    """
    _, path = write_candidate(folder, 0)
    fields = RECIPE | recipe
    history = [epoch(number) for number in range(1, fields["epochs"] + 1)]
    content = json.loads((folder / "model" / "model.json").read_text())
    content |= {"recipe": fields, "history": history, "dataset": dataset(splits)} | (model or {})
    document = json.dumps(content).encode()
    (folder / "model" / "model.json").write_bytes(document)
    figures = json.loads(path.read_text())
    figures |= {"expected_calibration_error": 0.0123, "roc": {"auc": 0.9987}}
    figures |= {"model_digest": hashlib.sha256(document).hexdigest()} | (evaluation or {})
    path.write_text(json.dumps(figures))
    return folder


def dataset(splits=None):
    """What model.json says of the dataset; `splits` as in `write_run`."""
    if splits == {}:
        return {"fingerprint": "f" * 64, "train": 55000, "validation": 5000}
    names = {"train": 55000, "validation": 5000, "test": 10000}
    described = {name: split(n, (splits or {}).get(name, "")) for name, n in names.items()}
    return {"fingerprint": "f" * 64, "splits": described}


def split(count, text):
    """An entry of the splits; other texts make other images."""
    sha256 = hashlib.sha256(text.encode()).hexdigest()
    return {"count": count, "images_sha256": sha256, "labels_sha256": sha256[::-1]}


def epoch(number):
    """An entry of a history."""
    error = 0.1 / number
    return {
        "epoch": number,
        "loss": error,
        "accuracy": 1 - error,
        "val_loss": 1.1 * error,
        "val_accuracy": 1 - 1.1 * error,
        "learning_rate": 0.015 / number,
        "seconds": 0.5,
    }


def write_comparison(path, *folders):
    """Writes the page that compares the runs in some folders."""
    store = ModelStore("models", "mnist")
    compare.write_page(path, compare.read_runs([str(folder) for folder in folders], store))
