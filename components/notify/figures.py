"""The figures of a run, read from where it left its artifacts."""

import json
from typing import Any

from components.errors import UserError
from components.storage import Folder, open_folder

_ARTIFACTS = ("metrics", "promotion")
_STEP = "promote-model"  # runs every time, so that its artifacts lie in the run's own folder


def read_figures(run_uri: str) -> dict[str, Any]:
    """Reads what the last step of a run wrote.

    Args:
        run_uri: The run's folder: ``<pipeline root>/<pipeline>/<run id>``.

    Returns:
        The content of its artifacts ``metrics`` and ``promotion``, as far as they are there.

    Raises:
        UserError: If the storage is of a kind that is not read here, can't be read, or holds
            something else.
    """
    folder = open_folder(run_uri).folder(_STEP)
    # On a cluster KFP puts a random folder between a step and its artifacts.
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
