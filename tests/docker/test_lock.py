"""The locked dependencies: the check notices every change, and the images agree."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path):
    shutil.copytree(ROOT / "docker", tmp_path / "docker")
    for name in ("pyproject.toml", "requirements.lock", "requirements-jax.lock"):
        shutil.copy(ROOT / name, tmp_path)
    return tmp_path


def _check(project):
    command = [sys.executable, project / "docker/lock.py", "--check"]
    return subprocess.run(command, capture_output=True, text=True)


def _replace(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def test_the_locks_are_current(project):
    assert _check(project).returncode == 0


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("pyproject.toml", '"jinja2>=', '"tqdm", "jinja2>='),
        ("docker/requirements/excluded.txt", "kubernetes\n", ""),
        ("docker/requirements/evaluate.txt", "h5py==3", "h5py==4"),
        ("requirements.lock", "--hash=sha256:", "--hash=sha256:0"),
    ],
)
def test_a_change_makes_a_lock_outdated(project, name, old, new):
    _replace(project / name, old, new)
    check = _check(project)
    assert check.returncode == 1
    assert "make lock" in check.stderr


def test_other_settings_leave_the_locks_current(project):
    _replace(project / "pyproject.toml", "line-length = 100", "line-length = 99")
    assert _check(project).returncode == 0


def test_a_missing_lock_is_outdated(project):
    (project / "docker/requirements/train-cuda.txt").unlink()
    assert "train-cuda.txt" in _check(project).stderr


def _pins(name):
    return set(re.findall(r"^\S+==\S+", (ROOT / name).read_text(), re.M))


def test_an_image_adds_to_the_packages_of_the_one_before():
    chain = [
        _pins(f"docker/requirements/{name}.txt") for name in ("data-prep", "evaluate", "train-cpu")
    ]
    assert chain[0] < chain[1] < chain[2] < _pins("requirements.lock")
    assert chain[1] < _pins("docker/requirements/train-cuda.txt")
