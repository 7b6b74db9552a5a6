"""``mnist-pipeline compare``."""

from pathlib import Path

import click

from components.errors import UserError
from components.promote.model_store import ModelStore
from pipelines.options import store_options

EXAMPLES = """\b
Examples:
  mnist-pipeline compare runs/*/
  mnist-pipeline compare runs/wide 3 --open          a run, and version 3 of the model store
"""


@click.command(epilog=EXAMPLES)
@click.argument("runs", nargs=-1, required=True, metavar="RUN RUN...")
@click.option(
    "--output",
    default="comparison.html",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="Where the page goes.",
)
@store_options
@click.option("--open", "show", is_flag=True, help="Open the page in a browser at the end.")
def compare(runs: tuple[str, ...], output: Path, store: str, name: str, show: bool) -> None:
    """Put runs side by side on one page.

    It shows their metrics, in what their recipes differ, and their curves over each other.

    A RUN is the folder of a run, or the number of a version in the model store. Runs that have
    not succeeded are left out.
    """
    if len(runs) < 2:
        raise click.UsageError("Name at least two runs to compare.")
    from pipelines import compare as comparison
    from pipelines.console import print_table

    left_out = [run for run in runs if comparison.is_unfinished(run)]
    for run in left_out:
        click.echo(f"Leaving out {run}, which has not succeeded.", err=True)
    if len(runs) - len(left_out) < 2:
        raise UserError("Fewer than two runs are left to compare; name more that succeeded.")
    succeeded = [run for run in runs if run not in left_out]
    read = comparison.read_runs(succeeded, ModelStore(store, name))
    comparison.write_page(output, read)
    print_table(*comparison.table(read))
    if not comparison.same_images([run.test for run in read]):
        click.echo("The runs were not all scored on the same test images.")
    click.echo(f"page   {output}")
    if show:
        click.launch(str(output))
