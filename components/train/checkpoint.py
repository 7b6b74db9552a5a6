"""Checkpoints: the whole state of a training at the end of an epoch, in one file."""

import io
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from components.errors import UserError
from components.files import write_bytes
from components.train.model import Network

FILE_NAME = "checkpoint.npz"

History = list[dict[str, float]]


@dataclass(frozen=True)
class CheckpointFile:
    """One training's checkpoint.

    Attributes:
        path: The file; its folder should outlive the process.
        identity: What makes the training this one: recipe, data, seed. Ready for JSON.
    """

    path: Path
    identity: dict[str, Any]

    def save(self, network: Network, history: History) -> None:
        """Writes the state after the epochs in `history`, whole or not at all."""
        buffer = io.BytesIO()
        about = json.dumps({"identity": self.identity, "history": history})
        arrays = [np.asarray(variable) for variable in network.variables]
        np.savez(buffer, np.array(about), *arrays)
        write_bytes(self.path, buffer.getvalue())

    def restore(self, network: Network) -> History:
        """Brings the network to the saved state, if there is one.

        Returns:
            What was reported of the epochs that need not be run again.

        Raises:
            UserError: The checkpoint is damaged, or of another training.
        """
        if not self.path.exists():
            return []
        about, arrays = self._read()
        self._refuse_foreign(about["identity"])
        for variable, array in zip(network.variables, arrays, strict=True):
            variable.assign(array)
        return about["history"]

    def remove(self) -> None:
        """Forgets the state, once what came of it is safe."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> tuple[dict[str, Any], list[np.ndarray]]:
        try:
            # The zip container has a CRC of each array, which is checked as it is read.
            with np.load(self.path, allow_pickle=False) as file:
                arrays = [file[name] for name in file.files]
            return json.loads(arrays[0].item()), arrays[1:]
        except (OSError, EOFError, ValueError, TypeError, IndexError, BadZipFile) as error:
            raise UserError(f"The checkpoint {self.path} is damaged; delete it.") from error

    def _refuse_foreign(self, identity: dict[str, Any]) -> None:
        # What is read has been through JSON, so compare with what JSON makes of this one.
        mine = json.loads(json.dumps(self.identity))
        other = sorted(key for key in mine | identity if mine.get(key) != identity.get(key))
        if other:
            raise UserError(
                f"{self.path} is the checkpoint of another training (other {', '.join(other)}); "
                "delete it, or name another folder for checkpoints."
            )
