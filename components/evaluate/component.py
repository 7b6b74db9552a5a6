"""The KFP face of evaluation."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.EVALUATE, install_kfp_package=False)
def evaluate_model(
    dataset: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    store: str,
    name: str,
    champion: int,
    metrics: dsl.Output[dsl.Metrics],
    classification: dsl.Output[dsl.ClassificationMetrics],
    evaluation: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> None:
    """Scores a model, and the champion beside it, on the held-out test images."""
    from dataclasses import asdict
    from pathlib import Path

    from components.dataset import open_dataset
    from components.evaluate.evaluate import evaluate
    from components.evaluate.evaluation import scalars
    from components.files import write_json
    from components.promote.champion import at_hand
    from components.promote.model_store import open_store

    with at_hand(open_store(store, name), champion) as champion_dir:
        result = evaluate(
            open_dataset(Path(dataset.path)),
            Path(model.path),
            Path(evaluation.path),
            Path(page.path),
            champion_dir,
            champion,
        )
    for metric, value in scalars(asdict(result)).items():
        metrics.log_metric(metric, value)
    write_json(Path(metrics.path), metrics.metadata)
    classification.log_confusion_matrix(result.class_names, result.confusion_matrix)
    classification.log_roc_curve(result.roc.fpr, result.roc.tpr, result.roc.thresholds)
    write_json(Path(classification.path), classification.metadata)
