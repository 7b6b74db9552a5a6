"""The figures of a run on a cluster, read from where it left its artifacts."""

import json
from typing import Any

from components.storage import Folder, open_folder

PIPELINE = "mnist-training"
_STEP = "promote-model"  # runs every time, so that its artifacts lie in the run's own folder


def read_figures(pipeline_root: str, run_id: str) -> dict[str, Any]:
    """Reads what the last step wrote: metrics and promotion by name of the artifact.

    Returns:
        The content of ``metrics`` and ``promotion``; empty where the root is of a kind that is
        not read here.

    Raises:
        UserError: If the storage can't be read.
    """
    if not pipeline_root.startswith("gs://"):
        return {}
    folder = open_folder(pipeline_root).folder(f"{PIPELINE}/{run_id}/{_STEP}")
    # KFP puts a random folder between a step and its artifacts.
    names = [entry.name for entry in folder.entries()]
    return {name.rpartition("/")[2]: _content(folder, name) for name in names}


def _content(folder: Folder, name: str) -> Any:
    content = folder.read(name)
    return json.loads(content.data) if content else {}
