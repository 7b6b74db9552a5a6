"""The KFP face of training."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.TRAIN, install_kfp_package=False)
def train_model(
    dataset: dsl.Input[dsl.Dataset],
    recipe: str,
    overrides: dict,
    seed: int,
    checkpoints: str,
    model: dsl.Output[dsl.Model],
    metrics: dsl.Output[dsl.Metrics],
    page: dsl.Output[dsl.HTML],
) -> None:
    """Trains a Dense network by a recipe."""
    from pathlib import Path

    from components.files import write_json
    from components.train.trainer import train

    history = train(
        Path(dataset.path),
        recipe,
        overrides,
        seed,
        Path(model.path),
        Path(page.path),
        checkpoints,
    )
    for name, value in history.items():
        metrics.log_metric(name, value)
    write_json(Path(metrics.path), metrics.metadata)
