"""What differs between the places where the pipeline runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from components import images
from pipelines.placement import Placement, Secret

WEBHOOK = "MNIST_PIPELINE_WEBHOOK"  # what `components.notify` reads the URL from
STEPS = ("snapshot-source", "prepare-dataset", "train-model", "evaluate-model", "promote-model")


@dataclass(frozen=True)
class PipelineConfig:
    """Settings that are fixed when the graph is built.

    Attributes:
        data_prep_image: Image of `snapshot_source` and `prepare_dataset`.
        train_image: Image of `train_model`.
        evaluate_image: Image of `evaluate_model` and `promote_model`.
        caching: Whether steps may be reused from earlier runs; two of them never are.
        placements: What steps ask of a cluster, by their names in `STEPS`; the local runner
            takes no notice of it.
        webhook: Which secret's key holds the URL that is told how a run ended; None for nobody.
        runs: Where people see a run, for that notice: its id comes behind.
    """

    data_prep_image: str = images.DATA_PREP
    train_image: str = images.TRAIN
    evaluate_image: str = images.EVALUATE
    caching: bool = True
    placements: Mapping[str, Placement] = field(default_factory=dict)
    webhook: Secret | None = None
    runs: str = ""
