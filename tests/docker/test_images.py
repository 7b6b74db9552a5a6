"""What is in the images, and what is not. ``make images`` builds them."""

import json
import re
import subprocess
from pathlib import Path, PurePosixPath

import pytest
from packaging.utils import canonicalize_name

from components import images

pytestmark = [pytest.mark.docker, pytest.mark.usefixtures("engine")]

ROOT = Path(__file__).parents[2]
LOCKS = {
    images.DATA_PREP: "data-prep.txt",
    images.EVALUATE: "evaluate.txt",
    images.TRAIN: "train-cpu.txt",
}
PACKAGES = {
    images.DATA_PREP: ("components.data_prep", "components.promote", "components.notify"),
    images.EVALUATE: ("components.evaluate", "components.promote"),
    images.TRAIN: ("components.train",),
}
BYTES = {images.DATA_PREP: 150e6, images.EVALUATE: 250e6, images.TRAIN: 1.5e9}
COMPILERS = {"as", "c++", "cargo", "cc", "clang", "g++", "gcc", "go", "ld", "make", "nvcc", "rustc"}
SECRETS = re.compile(r"\.env|\.git|\.netrc|\.pypirc|\.ssh|id_[a-z0-9]+|credentials\.json|.+\.key")

# Not component.py: a step gets its source from the compiled pipeline. JAX is in no image.
IMPORT_ALL = """
import importlib, pkgutil, sys
for name in sys.argv[1:]:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, name + "."):
        if not module.name.endswith((".component", ".loop_jax")):
            importlib.import_module(module.name)
            print(module.name)
"""
LIST_PACKAGES = """
import importlib.metadata, sysconfig
for found in importlib.metadata.distributions(path=[sysconfig.get_path("purelib")]):
    print(found.name, found.version)
"""


@pytest.fixture(scope="module", params=LOCKS)
def image(request):
    return request.param


@pytest.fixture(scope="module")
def config(image):
    done = subprocess.run(["docker", "image", "inspect", image], capture_output=True, check=True)
    return json.loads(done.stdout)[0]["Config"]


@pytest.fixture(scope="module")
def files(image, in_image):
    found = in_image(image, "find", "/", "-xdev", "!", "-type", "d", user="0")
    return [PurePosixPath(line) for line in found.splitlines()]


def _under(files, *folders):
    return [path for path in files if any(path.is_relative_to(folder) for folder in folders)]


def test_the_user_is_numeric_and_not_root(config):
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", config["User"])


def test_labels_tell_where_an_image_comes_from(config):
    labels = config["Labels"]
    assert re.match(r"[0-9a-f]{40}", labels["org.opencontainers.image.revision"])
    assert re.match(r"\d{4}-\d\d-\d\dT", labels["org.opencontainers.image.created"])
    assert re.match(r"\d+\.\d+", labels["org.opencontainers.image.version"])


def test_every_module_loads_for_any_user_read_only_and_offline(image, in_image):
    loaded = in_image(image, "python3", "-c", IMPORT_ALL, *PACKAGES[image]).split()
    assert {name.rpartition(".")[0] for name in loaded} >= set(PACKAGES[image])


def test_kfp_finds_its_executor(image, in_image):
    executor = ["python3", "-m", "kfp.dsl.executor_main", "--help"]
    assert "--executor_input" in in_image(image, "env", "_KFP_RUNTIME=true", *executor)


def test_nobody_can_change_the_code(image, in_image):
    writable = "find /app /opt/venv -writable ! -type l"
    assert in_image(image, "sh", "-c", writable) == ""


def test_holds_only_what_the_lock_names(image, in_image):
    lock = (ROOT / "docker/requirements" / LOCKS[image]).read_text()
    locked = {(name, version) for name, version in re.findall(r"^(\S+)==(\S+)", lock, re.M)}
    installed = [
        line.split() for line in in_image(image, "python3", "-c", LIST_PACKAGES).splitlines()
    ]
    assert {(canonicalize_name(name), version) for name, version in installed} <= locked


def test_only_train_holds_tensorflow(image, files):
    names = {path.parts[6] for path in _under(files, "/opt/venv/lib") if len(path.parts) > 7}
    assert ("tensorflow" in names) == ("keras" in names) == (image == images.TRAIN)


def test_only_data_prep_holds_data(image, files):
    data = [path for path in _under(files, "/app") if path.suffix == ".gz"]
    assert len(data) == (4 if image == images.DATA_PREP else 0)


def test_holds_no_compiler(files):
    assert not [path for path in files if path.parent.name == "bin" and path.name in COMPILERS]


def test_holds_no_tests(files):
    assert not [path for path in _under(files, "/app", "/opt/venv") if "tests" in path.parts]
    assert not [path for path in _under(files, "/app") if path.name.startswith("test_")]


def test_holds_no_caches(files):
    caches = ("/tmp", "/build", "/var/cache/apt", "/var/lib/apt/lists")
    assert not _under(files, *caches)
    assert not [path for path in files if ".cache" in path.parts]


def test_holds_no_secrets(image, config, files, in_image):
    assert not [path for path in files if SECRETS.fullmatch(path.name)]
    history = subprocess.run(["docker", "history", "--no-trunc", image], capture_output=True)
    assert not re.search(r"(?i)token|secret|password", str(history.stdout) + str(config["Env"]))
    search = "grep -rIhA1 'PRIVATE KEY-----$' /app /opt/venv /etc /root || true"
    assert not re.search(r"-\n[\w+/]{40}", in_image(image, "sh", "-c", search, user="0"))


def test_is_small(image, in_image):
    sizes = in_image(image, "du", "--summarize", "--bytes", "/app", "/opt/venv")
    assert sum(int(line.split()[0]) for line in sizes.splitlines()) <= BYTES[image]
