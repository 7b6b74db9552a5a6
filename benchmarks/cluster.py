"""How long the cluster's commands take, as processes against the tests' server.

.venv/bin/python benchmarks/cluster.py        a Markdown table on stdout; takes 20 s
"""

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tests" / "support"))

from kfp_fixtures import CLUSTER  # noqa: E402
from kfp_server import running  # noqa: E402

TIMES = 5
APPLY = ("schedule", "apply", "--name", "nightly", "--cron", "0 0 3 * * *")
# (what it is called, the command, the seconds that it may take)
COMMANDS = [
    ("`compile`", ("compile",), 2.0),
    ("`submit --no-wait`, the pipeline is there", ("submit", "--no-wait"), 4.0),
    ("`schedule apply`, nothing to do", APPLY, 3.0),
    ("`schedule list`", ("schedule", "list"), 3.0),
    ("`schedule apply --help`", ("schedule", "apply", "--help"), 0.2),
]


def seconds(folder: str, command: tuple[str, ...]) -> float:
    """Runs a command; returns how long its process took."""
    start = time.perf_counter()
    program = [sys.executable, "-m", "pipelines.cli", *command]
    subprocess.run(program, cwd=folder, check=True, capture_output=True)
    return time.perf_counter() - start


def main() -> None:
    """Prints the table."""
    with running() as server, tempfile.TemporaryDirectory() as folder:
        config = CLUSTER.read_text().replace("https://kubeflow.example", server.url)
        (Path(folder) / "cluster.toml").write_text(config)
        print("| first time on the cluster | |\n|---|---|")
        print(f"| `submit --no-wait` | {seconds(folder, ('submit', '--no-wait')):.2f} s |")
        print(f"| `schedule apply` | {seconds(folder, APPLY):.2f} s |")
        print(f"\n| command, {TIMES} times | median | slowest | at most |\n|---|---|---|---|")
        for title, command, limit in COMMANDS:
            times = [seconds(folder, command) for _ in range(TIMES)]
            median = statistics.median(times)
            print(f"| {title} | {median:.2f} s | {max(times):.2f} s | {limit:g} s |")


if __name__ == "__main__":
    main()
