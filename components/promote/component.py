"""The KFP face of promotion."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.EVALUATE, install_kfp_package=False)
def promote_model(
    dataset: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    evaluation: dsl.Input[dsl.Artifact],
    store: str,
    name: str,
    min_accuracy: float,
    significance: float,
    require_improvement: bool,
    metrics: dsl.Output[dsl.Metrics],
    promotion: dsl.Output[dsl.Artifact],
) -> None:
    """Publishes a model and lets it serve, or keeps the champion; doing it again is harmless.

    It must never be cached: what it does is not in its outputs.
    """
    import json
    from dataclasses import asdict
    from pathlib import Path

    from components.evaluate.evaluation import scalars
    from components.files import write_json
    from components.promote.model_store import open_store
    from components.promote.policy import Policy
    from components.promote.promotion import promote_against_current

    result = promote_against_current(
        Path(model.path),
        Path(evaluation.path),
        Path(dataset.path),
        open_store(store, name),
        Policy(min_accuracy, significance, require_improvement),
    )
    write_json(Path(promotion.path), asdict(result))
    # Once more, because this step runs every time: so each run has its accuracy at hand.
    for metric, value in scalars(json.loads(Path(evaluation.path).read_bytes())).items():
        metrics.log_metric(metric, value)
    write_json(Path(metrics.path), metrics.metadata)
