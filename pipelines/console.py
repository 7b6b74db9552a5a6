"""What a person at a terminal sees of a run."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Table

from components.progress import Progress as StepProgress
from pipelines.local import RunResult
from pipelines.run_folder import LOG
from pipelines.run_page import verdict
from pipelines.runner_log import Step

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
        self._task: TaskID | None = None

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
            self._task = self._bar.add_task("", total=progress.total)
        assert self._task is not None
        self._bar.update(self._task, completed=progress.done, description=progress.message)

    def step_ended(self, step: Step) -> None:
        """Says how the step ended."""
        self.close()
        note = "reused from an earlier run" if step.state == "cached" else f"{step.seconds:.1f} s"
        self._console.print(f"{_MARKS[step.state]} {step.name}  [dim]{note}[/]")

    def close(self) -> None:
        """Takes the bar off the screen."""
        if self._bar is not None:
            self._bar.stop()
            self._bar = None


def print_result(console: Console, result: RunResult) -> None:
    """Prints the table that a run ends with, or its error."""
    if result.error is not None:
        console.print(f"[red]Error:[/] {_plain(result.error)}", soft_wrap=True)
        if (result.output / LOG).exists():
            console.print(f"Everything that was printed: {result.output / LOG}", soft_wrap=True)
        return
    table = Table(show_header=False, box=None, padding=(0, 2), pad_edge=False)
    low, high = result.evaluation["accuracy_interval"]
    accuracy = result.evaluation["accuracy"]
    table.add_row("accuracy", f"[bold]{accuracy:.2%}[/]  (95 % interval {low:.2%} to {high:.2%})")
    table.add_row("loss", f"{result.evaluation['loss']:.4f}")
    table.add_row("macro F1", f"{result.evaluation['macro_f1']:.4f}")
    table.add_row("champion", _plain(verdict(result.promotion)))
    for step in result.steps:
        took = "reused" if step.state == "cached" else f"{step.seconds:.1f} s"
        table.add_row(step.name, took)
    summary = result.summary()
    console.print()
    console.print(table)
    console.print()
    console.print(f"model  {summary['model']}", soft_wrap=True, highlight=False)
    for page in summary["pages"].values():
        console.print(f"page   {page}", soft_wrap=True, highlight=False)


def _plain(text: str) -> str:
    """Escapes what Rich would take for markup."""
    return text.replace("[", r"\[")
