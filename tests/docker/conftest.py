"""What the Docker tests share: the engine, and commands inside the images."""

import subprocess
from collections.abc import Callable

import pytest

InImage = Callable[..., str]


@pytest.fixture(scope="session")
def engine() -> None:
    """Skips a test where no Docker engine runs."""
    try:
        found = subprocess.run(["docker", "info"], capture_output=True, text=True)
    except FileNotFoundError:
        pytest.skip("docker is not installed")
    if found.returncode != 0:
        pytest.skip(f"no Docker engine runs: {found.stderr.strip()}")


@pytest.fixture(scope="session")
def in_image() -> InImage:
    """Runs a command as a strict cluster does: any user, read-only, and here without a network."""

    def run(image: str, *command: str, user: str = "12345:54321") -> str:
        strict = ["--read-only", "--tmpfs=/tmp", "--network=none", f"--user={user}"]
        argv = ["docker", "run", "--rm", "--pull=never", *strict, image, *command]
        done = subprocess.run(argv, capture_output=True, text=True)
        assert done.returncode == 0, done.stderr
        return done.stdout

    return run
