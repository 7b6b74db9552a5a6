"""A model and its evaluation, checked before anything is done with them."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from components.errors import UserError
from components.files import sha256_of_file
from components.storage import check_name

MODEL = "model.json"


@dataclass(frozen=True)
class Candidate:
    """A model that may be published.

    Attributes:
        folder: The exported model.
        attempt: SHA-256 of its model.json, which holds those of all its other files.
        model: The content of model.json.
        evaluation: The content of evaluation.json.
    """

    folder: Path
    attempt: str
    model: Mapping[str, Any]
    evaluation: Mapping[str, Any]

    @property
    def files(self) -> dict[str, str]:
        """SHA-256 of every file of the model, by name."""
        return {**self.model["files"], MODEL: self.attempt}


def open_candidate(folder: Path, evaluation_path: Path) -> Candidate:
    """Reads a model and its evaluation.

    Args:
        folder: The exported model.
        evaluation_path: What evaluating it wrote.

    Raises:
        UserError: If a file is missing or damaged, or the evaluation is of another model.
    """
    document = _read(folder / MODEL)
    attempt = hashlib.sha256(document).hexdigest()
    evaluation = parse(_read(evaluation_path), str(evaluation_path))
    if evaluation.get("model_digest") != attempt:
        raise UserError(f"{evaluation_path} is not about the model in {folder}; evaluate it again.")
    candidate = Candidate(folder, attempt, parse(document, str(folder / MODEL)), evaluation)
    for name, sha256 in candidate.files.items():
        path = folder / check_name(name)
        if not path.is_file() or sha256_of_file(path) != sha256:
            raise UserError(f"{path} is missing or damaged (its SHA-256 differs); train again.")
    return candidate


def parse(document: bytes, uri: str) -> dict[str, Any]:
    """Reads a JSON object.

    Raises:
        UserError: If it is none; it names the URI.
    """
    try:
        content = json.loads(document)
    except ValueError as error:
        raise UserError(f"{uri} is not JSON; restore it or move it away.") from error
    if not isinstance(content, dict):
        raise UserError(f"{uri} is not a JSON object; restore it or move it away.")
    return content


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"Can't read {path}: {error.strerror}.") from error
