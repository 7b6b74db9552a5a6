"""Scores a model, and the present champion beside it, on the held-out test images."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from components.dataset import PreparedDataset, Split, class_changes
from components.dense_model import DenseModel, load_model, softmax
from components.errors import UserError
from components.evaluate import comparison, metrics, report
from components.evaluate.evaluation import (
    ClassReport,
    Comparison,
    Disagreement,
    Evaluation,
    Mistake,
    Roc,
    SkippedChampion,
)
from components.files import write_json

log = logging.getLogger(__name__)


def evaluate(
    dataset: PreparedDataset,
    model_dir: Path,
    evaluation_path: Path,
    report_path: Path,
    champion_dir: Path | None = None,
    champion_version: int | None = None,
) -> Evaluation:
    """Scores a model on all test images and writes the figures and a page about them.

    Args:
        dataset: Only its test split is read.
        model_dir: Folder of an exported model.
        evaluation_path: Where the figures go, as JSON.
        report_path: Where the page goes, as HTML.
        champion_dir: Folder of the model that serves now, to be scored on the same images.
        champion_version: Its version in the model store; goes with `champion_dir`.

    Raises:
        UserError: A model is damaged, or the model does not fit the dataset. A champion that
            does not fit is left out, and the evaluation says why.
    """
    model = load_model(model_dir)
    misfit = _misfit(model, dataset)
    if misfit:
        raise UserError(f"The model in {model_dir} can't be evaluated on this dataset: {misfit}")
    test = dataset.read("test")
    logits = model.logits(test.images)
    result = summarize(logits, test.labels, dataset, model.digest)
    if champion_dir is not None and champion_version is not None:
        champion = load_model(champion_dir)
        result = replace(
            result, champion=_against(champion, champion_version, logits, test, dataset)
        )
    low, high = result.accuracy_interval
    log.info("accuracy %.4f (95 %% interval %.4f to %.4f)", result.accuracy, low, high)
    report.write(report_path, result, test.images.reshape(-1, *dataset.image_shape))
    write_json(evaluation_path, asdict(result))
    return result


def summarize(
    logits: np.ndarray, labels: np.ndarray, dataset: PreparedDataset, model_digest: str
) -> Evaluation:
    """Computes all figures of one model.

    Args:
        logits: float32 [n, classes], the model's outputs for the test images.
        labels: uint8 [n].
        dataset: Where they come from.
        model_digest: SHA-256 of the model's model.json.
    """
    probabilities = softmax(logits)
    predictions, confidences = probabilities.argmax(axis=1), probabilities.max(axis=1)
    correct = predictions == labels
    confusion = metrics.confusion_matrix(labels, predictions, dataset.num_classes)
    scores, areas = metrics.class_scores(confusion), metrics.class_areas(probabilities, labels)
    tested = scores.support > 0
    roc = metrics.micro_average_roc(probabilities, labels)
    fpr, tpr, thresholds = (values.tolist() for values in metrics.thin(roc))
    calibration = metrics.calibration_bins(confidences, correct)
    worst = metrics.most_confident_mistakes(probabilities, labels)
    return Evaluation(
        class_names=list(dataset.class_names),
        num_test_images=len(labels),
        accuracy=float(correct.mean()),
        accuracy_interval=metrics.wilson_interval(int(correct.sum()), len(labels)),
        loss=metrics.cross_entropy(logits, labels),
        macro_precision=float(scores.precision[tested].mean()),
        macro_recall=float(scores.recall[tested].mean()),
        macro_f1=float(scores.f1[tested].mean()),
        per_class=[ClassReport(*row) for row in _rows(dataset.class_names, *scores, areas)],
        confusion_matrix=confusion.tolist(),
        roc=Roc(fpr, tpr, thresholds, metrics.area_under(roc)),
        calibration=calibration,
        expected_calibration_error=metrics.expected_calibration_error(calibration),
        most_confident_mistakes=[
            Mistake(*row)
            for row in _rows(worst, labels[worst], predictions[worst], confidences[worst])
        ],
        dataset_fingerprint=dataset.fingerprint,
        model_digest=model_digest,
    )


def _misfit(model: DenseModel, dataset: PreparedDataset) -> str | None:
    """Says why a model can't be scored on a dataset."""
    if model.image_shape != dataset.image_shape:
        (height, width), (rows, columns) = model.image_shape, dataset.image_shape
        return f"it takes images of {height}x{width} pixels, and these have {rows}x{columns}"
    if changes := class_changes(model.class_names, dataset.class_names):
        return f"this data has {' and '.join(changes)}"
    return None


def _against(
    champion: DenseModel, version: int, logits: np.ndarray, test: Split, dataset: PreparedDataset
) -> Comparison | SkippedChampion:
    """Compares the champion with the challenger that gave the logits."""
    misfit = _misfit(champion, dataset)
    if misfit:
        return SkippedChampion(version, misfit)
    theirs, ours = champion.probabilities(test.images), softmax(logits)
    their_answers, our_answers = theirs.argmax(axis=1), ours.argmax(axis=1)
    champion_right, challenger_right = their_answers == test.labels, our_answers == test.labels
    b = int((champion_right & ~challenger_right).sum())
    c = int((challenger_right & ~champion_right).sum())
    shown = comparison.most_confident_disagreements(theirs, ours)
    columns = (test.labels, their_answers, theirs.max(axis=1), our_answers, ours.max(axis=1))
    return Comparison(
        version=version,
        model_digest=champion.digest,
        accuracy=float(champion_right.mean()),
        difference=(c - b) / len(test.labels),
        difference_interval=comparison.difference_interval(b, c, len(test.labels)),
        mcnemar=comparison.mcnemar(b, c),
        disagreements=int((their_answers != our_answers).sum()),
        most_confident_disagreements=[
            Disagreement(*row) for row in _rows(shown, *(column[shown] for column in columns))
        ],
    )


def _rows(*columns: np.ndarray | Sequence[Any]) -> Iterator[tuple[Any, ...]]:
    """Puts columns side by side, NumPy's numbers as Python's."""
    plain = (c.tolist() if isinstance(c, np.ndarray) else c for c in columns)
    return zip(*plain, strict=True)
