"""Pins all dependencies by version and hash: ``make lock``; ``--check`` proves the pins current.

Each lock begins with a digest of all that decides its content, so the check needs no network and
does not fail on the day a dependency publishes a release.
"""

import hashlib
import json
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
EVERYTHING = "requirements.lock"
EXCLUDED = "docker/requirements/excluded.txt"
UV = [sys.executable, "-m", "uv", "pip", "compile", "pyproject.toml", "--quiet", "--universal"]
FORM = [
    *("--python-version", "3.11", "--generate-hashes"),
    *("--no-emit-index-url", "--no-header", "--no-annotate"),
]
# The images take their versions from the lock of everything: a local run and a run in the images
# then compute the same numbers.
IMAGE = ["--constraints", EVERYTHING, "--excludes", EXCLUDED]
LOCKS = {
    EVERYTHING: ["--extra", "local", "--group", "dev"],
    # Apart: where JAX is installed, TensorFlow imports it, a third of a second on every run.
    "requirements-jax.lock": ["--constraints", EVERYTHING, "--extra", "jax"],
    "docker/requirements/data-prep.txt": [*IMAGE, "--extra", "data-prep"],
    "docker/requirements/evaluate.txt": [*IMAGE, "--extra", "evaluate"],
    "docker/requirements/train-cpu.txt": [*IMAGE, "--extra", "train", "--extra", "cpu"],
    "docker/requirements/train-cuda.txt": [*IMAGE, "--extra", "train", "--extra", "cuda"],
}
HEADER = "# Made by `make lock` from pyproject.toml; do not edit. Digest: {digest}\n"


def compile_lock(name: str, options: list[str]) -> None:
    """Resolves one lock.

    Args:
        name: Path of the lock in the repository; the pins it has are kept where they still fit.
        options: Further options for uv: ``--upgrade`` renews the pins.
    """
    lock = ROOT / name
    subprocess.run(
        [*UV, *FORM, *LOCKS[name], *options, "--output-file", lock], cwd=ROOT, check=True
    )
    pins = lock.read_text()
    lock.write_text(header(name, pins) + pins)


def is_current(name: str) -> bool:
    """Tells whether a lock was made from pyproject.toml as it is, and not changed since."""
    lock = ROOT / name
    first, _, pins = lock.read_text().partition("\n") if lock.exists() else ("", "", "")
    return f"{first}\n" == header(name, pins)


def header(name: str, pins: str) -> str:
    """Returns the first line of a lock with these pins."""
    inputs = [_dependencies(), (ROOT / EXCLUDED).read_text(), FORM, LOCKS[name], pins]
    return HEADER.format(digest=hashlib.sha256(json.dumps(inputs).encode()).hexdigest())


def _dependencies() -> list[object]:
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    project = document["project"]
    tables = ("requires-python", "dependencies", "optional-dependencies")
    return [*(project[table] for table in tables), document["dependency-groups"]]


def main(options: list[str]) -> None:
    """Compiles every lock, or checks them all."""
    if options != ["--check"]:
        for name in LOCKS:
            compile_lock(name, options)
    elif outdated := [name for name in LOCKS if not is_current(name)]:
        sys.exit(f"Not made from pyproject.toml as it is: {', '.join(outdated)}. Run `make lock`.")


if __name__ == "__main__":
    main(sys.argv[1:])
