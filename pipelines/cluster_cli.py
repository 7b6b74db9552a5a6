"""``mnist-pipeline init``, ``compile`` and ``submit``."""

import re
import sys
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from components.errors import UserError
from components.notify.figures import read_figures
from pipelines.config import seconds
from pipelines.options import (
    WrongUsageError,
    config_option,
    configured,
    connected,
    run_options,
    tag_option,
)

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.connection import Connection
    from pipelines.follow import RemoteRun

SUCCEEDED, FAILED, CANCELLED, TIMED_OUT, INTERRUPTED = 0, 1, 3, 4, 130

TEMPLATE = Path(__file__).with_name("cluster.toml")

COMPILE_EXAMPLES = """\b
Examples:
  mnist-pipeline compile
  mnist-pipeline compile --tag v1.2.0 --output -     on screen
"""
SUBMIT_EXAMPLES = """\b
Examples:
  mnist-pipeline submit                              wait for the end
  mnist-pipeline submit --no-wait                    print the run's link, and no more
  mnist-pipeline submit --tag v1.2.0 --recipe strong --timeout 6h
  mnist-pipeline submit --config staging.toml --data gs://bucket/digits

\b
Exit status:
  0 succeeded   1 failed   2 wrong usage or cluster.toml   3 cancelled
  4 no longer watched, as the time was over or the server did not answer: the run goes on
  130 no longer watched, after Ctrl-C: the run goes on
"""


@click.command()
@config_option
def init(config: Path) -> None:
    """Write a cluster.toml that explains every key.

    A file that is there is kept.
    """
    try:
        with config.open("x", encoding="utf-8") as file:
            file.write(TEMPLATE.read_text(encoding="utf-8"))
    except FileExistsError as error:
        raise WrongUsageError(
            f"{config} is already there; edit it, or name another with --config."
        ) from error
    except OSError as error:
        raise WrongUsageError(f"Can't write {config}: {error.strerror}.") from error
    click.echo(f"{config}: set at least host and registry, then run `mnist-pipeline submit`.")


@click.command("compile", epilog=COMPILE_EXAMPLES)
@config_option
@tag_option
@click.option(
    "--output",
    default="pipeline.yaml",
    type=click.File("w", encoding="utf-8", lazy=True),
    metavar="FILE",
    help="Where to write it; '-' is the screen.",
)
def compile_(config: Path, output: IO[str], **flags: Any) -> None:
    """Write the pipeline as YAML for a cluster.

    KFP's graph, and in a second document what Kubernetes is to know. The same config gives the
    same bytes.
    """
    settings = configured(config, flags)
    from pipelines.training import compile_pipeline, version_name

    package = compile_pipeline(settings.pipeline)
    output.write(package)
    click.echo(f"{output.name}: version {version_name(package)}", err=True)


@click.command(epilog=SUBMIT_EXAMPLES)
@run_options
@click.option("--wait/--no-wait", default=True, help="Follow the run to its end.")
@click.option(
    "--timeout",
    default="24h",
    metavar="DURATION",
    help="How long to follow it, such as 90s, 30m or 2h; it goes on afterwards.",
)
def submit(config: Path, wait: bool, timeout: str, **flags: Any) -> None:
    """Run the pipeline on a Kubeflow cluster, and tell how it went.

    The pipeline is uploaded if it has changed. Options win over what cluster.toml says. Ctrl-C
    stops watching; the run goes on.
    """
    to_wait = _seconds(timeout)
    connection = connected(config, flags)
    from pipelines import cluster

    run_id = cluster.submit(connection)
    click.echo(connection.config.link("runs", run_id))
    if wait:
        sys.exit(_watch(connection, run_id, to_wait))


def _seconds(timeout: str) -> int:
    if not re.fullmatch(r"\d+[smh]", timeout, re.ASCII):
        raise WrongUsageError(f"--timeout is {timeout!r}; write it like 90s, 30m or 2h.")
    return seconds(timeout)


def _watch(connection: "Connection", run_id: str, timeout: float) -> int:
    """Follows a run, says how it ended, and returns the exit status."""
    from rich.console import Console

    from pipelines.console import watching
    from pipelines.follow import follow

    console = Console(highlight=False)
    goes_on = f"the run goes on: {connection.config.link('runs', run_id)}"
    try:
        with watching(console) as observer:
            run = follow(connection, run_id, observer, timeout)
    except KeyboardInterrupt:
        click.echo(f"No longer watched; {goes_on}", err=True)
        return INTERRUPTED
    except UserError as error:
        click.echo(f"Error: {error} As far as is known {goes_on}", err=True)
        return TIMED_OUT
    if not run.ended:
        click.echo(f"The time to wait is over; {goes_on}", err=True)
        return TIMED_OUT
    if run.state in {"SUCCEEDED", "SKIPPED"}:  # the latter, where nothing was left to do
        _print_figures(console, connection, run_id, run)
        return SUCCEEDED
    if run.state == "CANCELED":
        click.echo("The run was cancelled.", err=True)
        return CANCELLED
    _print_failure(run)
    return FAILED


def _print_figures(
    console: "Console", connection: "Connection", run_id: str, run: "RemoteRun"
) -> None:
    from pipelines.console import print_figures
    from pipelines.training import NAME

    root = connection.config.pipeline_root
    try:
        figures = read_figures(f"{root.rstrip('/')}/{NAME}/{run_id}") if root else {}
        reason = "" if root else "cluster.toml names no pipeline_root. "
    except UserError as error:
        figures, reason = {}, f"{error} "
    if "metrics" in figures:
        print_figures(console, figures["metrics"], figures.get("promotion", {}), run.steps)
    else:
        link = connection.config.link("runs", run_id)
        click.echo(f"The run succeeded. {reason}Its figures are at {link}")


def _print_failure(run: "RemoteRun") -> None:
    from pipelines.console import took

    failed = run.failed_step
    what = f"{failed.name} failed after {took(failed.seconds)}" if failed else "The run failed"
    click.echo(f"Error: {what}{': ' if run.error else '.'}{run.error}", err=True)
    if run.log:
        click.echo("Its last lines:\n" + "\n".join(f"  {line}" for line in run.log), err=True)
