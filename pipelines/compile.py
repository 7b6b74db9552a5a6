"""The graph as YAML: KFP's intermediate representation, and what goes to Kubernetes beside it."""

import hashlib
import tempfile
from pathlib import Path

from kfp import compiler

from pipelines.config import PipelineConfig
from pipelines.training import training_pipeline


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
