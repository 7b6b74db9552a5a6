"""What a person at a terminal sees of a run."""

import contextlib
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from components.progress import Progress as StepProgress
from pipelines.run_folder import LOG
from pipelines.runner_log import Step

if TYPE_CHECKING:
    from pipelines.local import RunResult

_MARKS = {
    "succeeded": "[green]✓[/]",
    "cached": "[cyan]↺[/]",
    "failed": "[red]✗[/]",
    "skipped": "[dim]-[/]",
}


class ConsoleObserver:
    """Shows one line per step as it starts and ends, and a bar for long steps."""

    def __init__(self, console: Console) -> None:
        """Args: where to draw."""
        self._console = console
        self._bar: Progress | None = None

    def step_started(self, step: Step) -> None:
        """Says which step starts."""
        self._console.print(f"[blue]▶[/] {step.name}")

    def step_progressed(self, step: Step, progress: StepProgress) -> None:
        """Moves the bar at a terminal; prints the line elsewhere."""
        if not self._console.is_terminal:
            line = f"  {progress.done}/{progress.total}  {progress.message}"
            self._console.print(line, markup=False, soft_wrap=True)
            return
        if self._bar is None:
            self._bar = Progress(
                TextColumn("  {task.completed}/{task.total}"),
                BarColumn(bar_width=24),
                TextColumn("{task.description}", markup=False),
                TimeElapsedColumn(),
                console=self._console,
            )
            self._bar.start()
            self._bar.add_task("", total=progress.total)
        (task,) = self._bar.task_ids
        self._bar.update(task, completed=progress.done, description=progress.message)

    def step_ended(self, step: Step) -> None:
        """Says how the step ended."""
        self.close()
        note = "reused from an earlier run" if step.state == "cached" else took(step.seconds)
        self._console.print(f"{_MARKS[step.state]} {step.name}  [dim]{note}[/]")

    def close(self) -> None:
        """Takes the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


@contextlib.contextmanager
def watching(console: Console) -> Iterator[ConsoleObserver]:
    """Shows a run that goes on elsewhere; at a terminal, the time that has passed as well."""
    columns = (SpinnerColumn(), TextColumn("waiting"), TimeElapsedColumn())
    hidden = not console.is_terminal
    with Progress(*columns, console=console, transient=True, disable=hidden) as bar:
        bar.add_task("")
        yield ConsoleObserver(console)


def print_result(console: Console, result: "RunResult") -> None:
    """Prints the table that a run ends with, or its error."""
    if result.error is not None:
        console.print(f"[red]Error:[/] {escape(result.error)}", soft_wrap=True)
        if result.started:
            log = result.output / LOG
            console.print(f"Everything that was printed: {log}", soft_wrap=True, markup=False)
    else:
        print_figures(console, result.evaluation, result.promotion, result.steps)
    for warning in result.warnings:
        console.print(f"[yellow]The data has moved:[/] {escape(warning)}", soft_wrap=True)
    summary = result.summary()
    lines = [f"page   {page}" for page in summary["pages"].values()]
    if summary["model"]:
        lines = ["", f"model  {summary['model']}", *lines]
    console.print(*lines, sep="\n", soft_wrap=True, highlight=False, markup=False)


def print_figures(
    console: Console, metrics: dict[str, Any], promotion: dict[str, Any], steps: Sequence[Step]
) -> None:
    """Prints how good a run's model is, what became of it, and how long the steps took."""
    from components.evaluate.metrics import wilson_interval
    from pipelines.run_page import verdict

    accuracy, images = metrics["accuracy"], round(metrics["num_test_images"])
    low, high = wilson_interval(round(accuracy * images), images)
    table = Table(show_header=False, box=None, padding=(0, 2), pad_edge=False)
    table.add_row("accuracy", f"[bold]{accuracy:.2%}[/]  (95 % interval {low:.2%} to {high:.2%})")
    table.add_row("loss", f"{metrics['loss']:.4f}")
    table.add_row("macro F1", f"{metrics['macro_f1']:.4f}")
    if promotion:
        table.add_row("champion", escape(verdict(promotion)))
    for step in steps:
        table.add_row(step.name, "reused" if step.state == "cached" else took(step.seconds))
    console.print()
    console.print(table)


def took(seconds: float) -> str:
    """Writes a duration for people."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02} s" if minutes else f"{seconds:.1f} s"


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table as wide as it gets: a terminal wraps lines, Rich would cut columns off."""
    table = Table(*headings, box=None, padding=(0, 2, 0, 0))
    for row in rows:
        table.add_row(*row)
    Console(width=1000, markup=False).print(table)
