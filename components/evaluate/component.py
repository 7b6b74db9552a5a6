"""The KFP face of evaluation."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.EVALUATE, install_kfp_package=False)
def evaluate_model(
    dataset: dsl.Input[dsl.Dataset],
    model: dsl.Input[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    classification: dsl.Output[dsl.ClassificationMetrics],
    evaluation: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> None:
    """Scores a model on the held-out test images."""
    from pathlib import Path

    from components.dataset import open_dataset
    from components.evaluate.evaluate import evaluate
    from components.files import write_json

    result = evaluate(
        open_dataset(Path(dataset.path)), Path(model.path), Path(evaluation.path), Path(page.path)
    )
    for name, value in result.scalars().items():
        metrics.log_metric(name, value)
    write_json(Path(metrics.path), metrics.metadata)
    classification.log_confusion_matrix(result.class_names, result.confusion_matrix)
    classification.log_roc_curve(result.roc.fpr, result.roc.tpr, result.roc.thresholds)
    write_json(Path(classification.path), classification.metadata)
