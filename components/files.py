"""Files that are written as a whole or not at all, and their digests."""

import hashlib
import json
import os
import secrets
from pathlib import Path
from typing import Any


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file as a whole: a kill at any moment leaves the old content or the new one.

    Folders above it are made as needed. The content is on the disk before the file has its name.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{secrets.token_hex(8)}.tmp")
    try:
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def write_json(path: Path, content: Any) -> None:
    """Writes a JSON document as `write_bytes` does.

    Raises:
        ValueError: The content holds NaN or infinity, which JSON has no words for.
    """
    text = json.dumps(content, indent=2, allow_nan=False)
    write_bytes(path, f"{text}\n".encode())


def sha256_of_file(path: Path) -> str:
    """Returns the SHA-256 of a file's content in hexadecimal; reads it in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
