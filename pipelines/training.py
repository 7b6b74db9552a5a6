"""The graph: which component feeds which, and how that reads as YAML."""

import functools
import hashlib
import inspect
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from kfp import compiler, dsl

from components.data_prep.component import prepare_dataset, snapshot_source, visualize_dataset
from components.evaluate.component import evaluate_model
from components.notify.component import notify
from components.promote.component import promote_model
from components.promote.policy import Policy
from components.train.component import train_model
from pipelines.config import PipelineConfig, Placement, Secret, place

NAME = "mnist-training"


class Outputs(NamedTuple):
    """What a run leaves behind."""

    data_page: dsl.HTML
    drift: dsl.Artifact
    model: dsl.Model
    training_page: dsl.HTML
    evaluation: dsl.Artifact
    evaluation_page: dsl.HTML
    promotion: dsl.Artifact


def training_pipeline(config: PipelineConfig) -> Any:
    """Builds the pipeline for one place.

    Args:
        config: Images and whatever else differs between places.

    Returns:
        A KFP graph component: compile it, or call it under the local runner.
    """

    @dsl.pipeline(
        name=NAME,
        description="Trains a Dense network on MNIST-like images, scores it on held-out ones, and "
        "lets it serve unless the present champion is better.",
    )
    def mnist_training(
        data: str = "mnist",
        recipe: str = "fast",
        overrides: dict = {},  # noqa: B006 - KFP reads the default and never calls with it
        seed: int = 0,
        validation_size: int = 5000,
        checkpoints: str = "",
        store: str = "",
        name: str = "mnist",
        min_accuracy: float = Policy.min_accuracy,
        significance: float = Policy.significance,
        require_improvement: bool = Policy.require_improvement,
    ) -> Outputs:
        snapshot = snapshot_source(data=data, store=store, name=name)
        prepare = prepare_dataset(
            data=data,
            fingerprint=snapshot.outputs["fingerprint"],
            validation_size=validation_size,
            seed=seed,
        )
        visualize = visualize_dataset(
            dataset=prepare.outputs["dataset"],
            store=store,
            name=name,
            champion=snapshot.outputs["champion"],
        )
        train = train_model(
            dataset=prepare.outputs["dataset"],
            recipe=recipe,
            overrides=overrides,
            seed=seed,
            checkpoints=checkpoints,
        ).after(visualize)  # people look at the data before hours are spent on it
        evaluate = evaluate_model(
            dataset=prepare.outputs["dataset"],
            model=train.outputs["model"],
            store=store,
            name=name,
            champion=snapshot.outputs["champion"],
        )
        promote = promote_model(
            dataset=prepare.outputs["dataset"],
            model=train.outputs["model"],
            evaluation=evaluate.outputs["evaluation"],
            store=store,
            name=name,
            min_accuracy=min_accuracy,
            significance=significance,
            require_improvement=require_improvement,
        )
        _settle(config, config.images.data_prep, snapshot, prepare, visualize)
        _settle(config, config.images.train, train)
        _settle(config, config.images.evaluate, evaluate, promote)
        # One notices new data; the other acts on the store, and again does no harm.
        snapshot.set_caching_options(False)
        promote.set_caching_options(False)
        return Outputs(
            data_page=visualize.outputs["page"],
            drift=visualize.outputs["drift"],
            model=train.outputs["model"],
            training_page=train.outputs["page"],
            evaluation=evaluate.outputs["evaluation"],
            evaluation_page=evaluate.outputs["page"],
            promotion=promote.outputs["promotion"],
        )

    if config.webhook is None:
        return mnist_training
    return _with_notice(mnist_training, config, config.webhook)


def _settle(config: PipelineConfig, image: str, *tasks: Any) -> None:
    """Sets what differs between places: at submission, it would reach root tasks alone."""
    for task in tasks:
        task.set_container_image(image)
        place(task, config.placements.get(task.name, Placement()))
        if not config.caching:
            task.set_caching_options(False)


def _with_notice(graph: Any, config: PipelineConfig, webhook: Secret) -> Any:
    """Wraps a graph in one that takes the same, and tells a webhook how it went, come what may.

    KFP lets nothing inside an exit handler be an output of the pipeline, so this one has none.
    """
    interface = inspect.signature(graph.pipeline_func)

    @functools.wraps(graph.pipeline_func)
    def notified(*arguments: Any) -> None:
        # KFP puts the run's id in place of a whole value, never inside one.
        notice = notify(runs=config.runs, run_id=dsl.PIPELINE_JOB_ID_PLACEHOLDER)
        notice.set_container_image(config.images.data_prep)
        notice.set_caching_options(False)
        place(notice, Placement(timeout="5m", secrets=(webhook,)))
        with dsl.ExitHandler(notice, name="training"):
            graph(**dict(zip(interface.parameters, arguments, strict=True)))

    without_outputs = interface.replace(return_annotation=inspect.Signature.empty)
    notified.__signature__ = without_outputs  # type: ignore[attr-defined]
    return dsl.pipeline(name=graph.name, description=graph.description)(notified)


def compile_pipeline(config: PipelineConfig) -> str:
    """Compiles the graph for one place.

    Returns:
        YAML: the pipeline, and in a second document the Kubernetes settings if there are any. The
        same for the same config.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pipeline.yaml"
        compiler.Compiler().compile(training_pipeline(config), str(path))
        return path.read_text(encoding="utf-8")


def version_name(package: str) -> str:
    """Names a compiled pipeline by its content."""
    return hashlib.sha256(package.encode()).hexdigest()[:16]
