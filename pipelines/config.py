"""What differs between the places where the pipeline runs."""

from dataclasses import dataclass

from components import images

STEPS = ("snapshot-source", "prepare-dataset", "train-model", "evaluate-model", "promote-model")


@dataclass(frozen=True)
class PipelineConfig:
    """Settings that are fixed when the graph is built.

    Attributes:
        data_prep_image: Image of `snapshot_source` and `prepare_dataset`.
        train_image: Image of `train_model`.
        evaluate_image: Image of `evaluate_model` and `promote_model`.
    """

    data_prep_image: str = images.DATA_PREP
    train_image: str = images.TRAIN
    evaluate_image: str = images.EVALUATE
