"""What all benchmarks have in common: rounds, ratios, tables, and the machine in words."""

import platform
import statistics
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

ROUNDS = 5
FOLDER = Path(__file__).parent / "results"


def ratio(before: Sequence[float], after: Sequence[float]) -> str:
    """The median of the ratios of each round, with the lowest and the highest."""
    ratios = sorted(one / other for one, other in zip(before, after, strict=True))
    return f"{statistics.median(ratios):.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})"


def median(seconds: Sequence[float]) -> str:
    """The median of some times."""
    return f"{statistics.median(seconds):.2f} s"


def accuracy(shares: Sequence[float]) -> str:
    """Mean and minimum over the seeds."""
    return f"{statistics.mean(shares):.2%} (lowest {min(shares):.2%})"


def table(heading: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table."""
    lines = (heading, ["---"] * len(heading), *rows)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def write(name: str, sections: Iterable[str]) -> None:
    """Prints the results and writes them to ``results/<name>.md``, machine and date first."""
    text = "\n\n".join([_surroundings(), *sections]) + "\n"
    FOLDER.mkdir(exist_ok=True)
    (FOLDER / f"{name}.md").write_text(text, encoding="utf-8")
    print(text)


def _surroundings() -> str:
    packages = ("tensorflow-cpu", "keras", "numpy", "kfp")
    versions = ", ".join(f"{package} {version(package)}" for package in packages)
    return (
        f"{datetime.now(UTC):%Y-%m-%d}, {_device()}, Python {platform.python_version()}, "
        f"{versions}."
    )


def _device() -> str:
    from components.train.device import find_device

    device = find_device()
    products = "with" if device.multiplies_bfloat16 else "without"
    return f"{device.name} {products} fast bfloat16"
