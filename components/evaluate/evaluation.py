"""What an evaluation finds: the content of evaluation.json, in plain Python values."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from components.evaluate.comparison import McNemar
from components.evaluate.metrics import CalibrationBin


@dataclass(frozen=True)
class ClassReport:
    """One class against the rest; `auc` is None where no ROC curve exists."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int
    auc: float | None


@dataclass(frozen=True)
class Roc:
    """The micro-averaged ROC curve, thinned, with the area under the whole curve."""

    fpr: list[float]
    tpr: list[float]
    thresholds: list[float]
    auc: float


@dataclass(frozen=True)
class Mistake:
    """A wrong prediction: index of the image in the test split, classes by index."""

    image: int
    label: int
    prediction: int
    probability: float


@dataclass(frozen=True)
class Disagreement:
    """An image on which champion and challenger differ, with each one's class and probability."""

    image: int
    label: int
    champion: int
    champion_probability: float
    challenger: int
    challenger_probability: float


@dataclass(frozen=True)
class Comparison:
    """The champion on the same images; differences are challenger less champion."""

    version: int
    model_digest: str
    accuracy: float
    difference: float
    difference_interval: tuple[float, float]
    mcnemar: McNemar
    disagreements: int
    most_confident_disagreements: list[Disagreement]


@dataclass(frozen=True)
class SkippedChampion:
    """A champion that can't be scored on this dataset, and why."""

    version: int
    skipped: str


@dataclass(frozen=True)
class Evaluation:
    """All figures of a model on the test images; every number is finite.

    Attributes:
        class_names: In the order of rows and columns everywhere.
        num_test_images: All images of the test split.
        accuracy: Share of images whose most probable class is the label.
        accuracy_interval: 95 % Wilson interval of it.
        loss: Mean cross-entropy in nats.
        macro_precision: Mean over the classes with test images, as are recall and F1.
        confusion_matrix: Counts, labels in rows, predictions in columns.
        roc: Micro-averaged one against the rest.
        calibration: Bins of equal width that hold an image.
        expected_calibration_error: Over those bins.
        most_confident_mistakes: At most 25.
        dataset_fingerprint: Of the data that the test images come from.
        model_digest: SHA-256 of the model's model.json.
        champion: The comparison with the present champion, if there is one.
    """

    class_names: list[str]
    num_test_images: int
    accuracy: float
    accuracy_interval: tuple[float, float]
    loss: float
    macro_precision: float
    macro_recall: float
    macro_f1: float
    per_class: list[ClassReport]
    confusion_matrix: list[list[int]]
    roc: Roc
    calibration: list[CalibrationBin]
    expected_calibration_error: float
    most_confident_mistakes: list[Mistake]
    dataset_fingerprint: str
    model_digest: str
    champion: Comparison | SkippedChampion | None = None


def scalars(evaluation: Mapping[str, Any]) -> dict[str, float]:
    """Takes the figures that are one number each out of evaluation.json, for KFP's metrics."""
    names = ["accuracy", "loss", "macro_precision", "macro_recall", "macro_f1"]
    names += ["expected_calibration_error", "num_test_images"]
    return {name: evaluation[name] for name in names}
