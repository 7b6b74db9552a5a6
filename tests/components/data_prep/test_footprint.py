"""What prepare costs, seen from outside: a process of its own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from synthetic import shipped, write_pair

# Not getrusage: what it calls the peak is at least that of the process that started this one.
pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="reads the peak memory from /proc"
)

SCRIPT = """
import json, re, sys
from pathlib import Path
from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint

uri, output = sys.argv[1], Path(sys.argv[2])
prepare(uri, fingerprint(uri), 5000, 0, output)
heavy = {"tensorflow", "keras", "matplotlib", "kfp", "google.cloud.storage"} & set(sys.modules)
peak = int(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1]) * 1024
print(json.dumps({"heavy": sorted(heavy), "peak": peak}))
"""


def run(uri, output):
    process = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(uri), str(output)],
        capture_output=True,
        text=True,
        check=True,
    )
    return json.loads(process.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def mnist(tmp_path_factory):
    return run("mnist", tmp_path_factory.mktemp("footprint") / "mnist")


def test_imports_nothing_heavy(mnist):
    assert mnist["heavy"] == []


def test_stays_under_500_mb(mnist):
    assert mnist["peak"] < 500e6


def test_memory_does_not_grow_with_the_data(mnist, tmp_path):
    images, labels = shipped("train", 60000)
    for number in range(4):
        write_pair(tmp_path / "source", f"batch{number}", images, labels, suffix="")
    write_pair(tmp_path / "source", "test", images[:1000], labels[:1000], suffix="")
    assert run(tmp_path / "source", tmp_path / "out")["peak"] < 1.3 * mnist["peak"]
