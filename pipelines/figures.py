"""The figures of a run on a cluster, read from where it left its artifacts."""

import json
from typing import Any

from components.errors import UserError
from components.storage import Folder, open_folder

_ARTIFACTS = ("metrics", "promotion")
PIPELINE = "mnist-training"
_STEP = "promote-model"  # runs every time, so that its artifacts lie in the run's own folder


def read_figures(pipeline_root: str, run_id: str) -> dict[str, Any]:
    """Reads what the last step wrote.

    Returns:
        The content of its artifacts ``metrics`` and ``promotion``; empty where the root is of a
        kind that is not read here.

    Raises:
        UserError: If the storage can't be read, or holds something else.
    """
    if not pipeline_root.startswith("gs://"):
        return {}
    folder = open_folder(pipeline_root).folder(f"{PIPELINE}/{run_id}/{_STEP}")
    # KFP puts a random folder between a step and its artifacts.
    names = {entry.name.rpartition("/")[2]: entry.name for entry in folder.entries()}
    return {kind: _content(folder, names[kind]) for kind in _ARTIFACTS if kind in names}


def _content(folder: Folder, name: str) -> Any:
    content = folder.read(name)
    try:
        return json.loads(content.data if content else "")
    except ValueError as error:
        raise UserError(
            f"{folder.uri}/{name} is not JSON; was it written by this pipeline?"
        ) from error
