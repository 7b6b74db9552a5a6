"""``mnist-pipeline schedule``: retraining, again and again."""

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from pipelines.cron import check, next_time
from pipelines.options import cluster_options, connected, run_options, wrong_usage

APPLY_EXAMPLES = """\b
Examples:
  mnist-pipeline schedule apply --name nightly --cron "0 0 3 * * *"
  mnist-pipeline schedule apply --name nightly --cron "0 0 3 * * *" --dry-run
  mnist-pipeline schedule apply --name weekly --cron "0 30 4 * * sun" --always-latest

\b
Cron has six fields here: second, minute, hour, day of month, month, day of week (0 is Sunday).
  0 0 3 * * *          each day at 3:00
  0 0 */6 * * mon-fri  every six hours on working days
Kubeflow reads them all in one time zone, UTC unless the cluster's administrator has set
CRON_SCHEDULE_TIMEZONE; a schedule can't have its own. `timezone` in cluster.toml names that
zone, so that the times shown here are right.
"""


@click.group()
def schedule() -> None:
    """Retrain again and again, on a schedule."""


@schedule.command(epilog=APPLY_EXAMPLES)
@click.option("--name", required=True, metavar="NAME", help="What the schedule is called.")
@click.option("--cron", required=True, metavar="CRON", help="When it runs: six fields, see below.")
@click.option(
    "--always-latest/--pin",
    default=False,
    help="Run the newest version of the pipeline each time, or the present one.",
)
@click.option("--dry-run", is_flag=True, help="Say what there is to do, and do nothing.")
@run_options
def apply(
    name: str, cron: str, always_latest: bool, dry_run: bool, config: Path, **flags: Any
) -> None:
    """Create a schedule, replace it, or leave it as it is.

    Afterwards it is what is asked for here. Doing it again does no harm, and mends what an
    interruption left. A replacement is created first, disabled; then the old one is deleted; then
    the new one is enabled. Runs never overlap, and those missed while the cluster was down are
    not made up for. Options win over cluster.toml.
    """
    with wrong_usage():
        checked = check(cron)
    connection = connected(config, flags)
    from pipelines import schedule as schedules
    from pipelines.training import compile_pipeline

    package = compile_pipeline(connection.config.pipeline)
    wanted = schedules.Schedule(name, checked, always_latest)
    todo = schedules.plan(connection, wanted, package)
    click.echo(f"{name}: {str(todo) or 'nothing to do'}{' (dry run)' if dry_run else ''}")
    if dry_run:
        return
    schedules.carry_out(connection, wanted, package, todo)
    zone = ZoneInfo(connection.config.timezone)
    click.echo(f"{name}: runs next at {_time(next_time(checked, datetime.now(zone)))} ({zone})")


@schedule.command("list")
@cluster_options
def list_schedules(config: Path, **flags: Any) -> None:
    """List schedules: when they run, how the last run ended."""
    connection = connected(config, flags)
    from pipelines import schedule as schedules
    from pipelines.console import print_table

    rows = schedules.listing(connection)
    if not rows:
        experiment = connection.config.experiment
        click.echo(f"{experiment} has no schedule yet; `mnist-pipeline schedule apply` makes one.")
        return
    zone = ZoneInfo(connection.config.timezone)
    headings = ("schedule", "cron", "enabled", "next run", "last run", "result")
    print_table(headings, (_row(run, last, zone) for run, last in rows))
    click.echo(f"Times are in the zone {zone}.", err=True)


@schedule.command()
@click.argument("name")
@cluster_options
def delete(name: str, config: Path, **flags: Any) -> None:
    """Delete the schedule NAME; runs that have started go on."""
    connection = connected(config, flags)
    from pipelines import schedule as schedules

    schedules.delete(connection, name)
    click.echo(f"{name}: deleted")


@schedule.command()
@click.argument("name")
@cluster_options
def trigger(name: str, config: Path, **flags: Any) -> None:
    """Start a run now, as the schedule NAME would."""
    connection = connected(config, flags)
    from pipelines import schedule as schedules

    run_id = schedules.trigger(connection, name)
    click.echo(connection.config.link("runs", run_id))


def _row(run: Any, last: Any | None, zone: ZoneInfo) -> tuple[str, ...]:
    from pipelines import schedule as schedules

    cron, enabled = schedules.cron(run), schedules.is_enabled(run)
    return (
        run.display_name,
        cron or "-",
        "yes" if enabled else "no",
        _time(next_time(cron, datetime.now(zone)) if enabled else None),
        _time(last.created_at.astimezone(zone) if last else None),
        str(last.state).lower() if last else "-",
    )


def _time(time: datetime | None) -> str:
    return f"{time:%Y-%m-%d %H:%M}" if time else "-"
