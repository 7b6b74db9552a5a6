"""Checkpoints: the whole state of a training at the end of an epoch, in one file."""

import hashlib
import io
import json
import logging
import time
from typing import Any
from zipfile import BadZipFile

import numpy as np

from components.errors import UserError
from components.storage import ConflictError, open_folder
from components.train.model import Network

log = logging.getLogger(__name__)

History = list[dict[str, float]]

# A checkpoint is left out where saving would take more than this share of the time.
_SHARE = 0.05


class Checkpoint:
    """One training's state, at a place that outlives the process, and with ``gs://`` the pod."""

    def __init__(self, uri: str, identity: dict[str, Any]) -> None:
        """Finds the place; nothing is written yet.

        Args:
            uri: Folder of all trainings' checkpoints, here or at ``gs://``.
            identity: What makes the training this one: recipe, data, seed, versions. Ready for
                JSON. It decides the file's name, so other trainings neither use nor disturb it.
        """
        self._folder = open_folder(uri)
        self._identity = json.dumps(identity, sort_keys=True)
        self.name = f"{hashlib.sha256(self._identity.encode()).hexdigest()[:16]}.npz"
        self._generation = 0
        self._next = 0.0

    def save(self, network: Network, history: History) -> None:
        """Writes the state after the epochs in `history`, whole or not at all.

        Raises:
            UserError: The folder can't be written to.
        """
        start = time.monotonic()
        if start < self._next:
            return
        buffer = io.BytesIO()
        about = json.dumps({"identity": self._identity, "history": history})
        arrays = [np.asarray(variable) for variable in network.variables]
        np.savez(buffer, np.array(about), *arrays)
        try:
            self._generation = self._folder.write_if_generation(
                self.name, buffer.getvalue(), self._generation
            )
        except ConflictError:  # the same training runs twice, to the same end: take turns
            present = self._folder.read(self.name)
            self._generation = present.generation if present else 0
        self._next = time.monotonic() + (time.monotonic() - start) / _SHARE

    def restore(self, network: Network) -> History:
        """Brings the network to the saved state, if there is one.

        Returns:
            What was reported of the epochs that need not be run again.

        Raises:
            UserError: The checkpoint is of another training.
        """
        content = self._folder.read(self.name)
        if content is None:
            return []
        self._generation = content.generation
        try:
            about, arrays = _parse(content.data)
        except (OSError, EOFError, ValueError, TypeError, IndexError, BadZipFile) as error:
            log.warning("%s is damaged (%s): starting anew", self._uri, error)
            return []
        if about["identity"] != self._identity:
            raise UserError(f"{self._uri} is the checkpoint of another training; delete it.")
        for variable, array in zip(network.variables, arrays, strict=True):
            variable.assign(array)
        return about["history"]

    def remove(self) -> None:
        """Forgets the state, once what came of it is safe."""
        self._folder.remove(self.name)

    @property
    def _uri(self) -> str:
        return f"{self._folder.uri}/{self.name}"


def _parse(data: bytes) -> tuple[dict[str, Any], list[np.ndarray]]:
    # The zip container has a CRC of each array, which is checked as it is read.
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        arrays = [file[name] for name in file.files]
    return json.loads(arrays[0].item()), arrays[1:]
