"""The command line: ``mnist-pipeline``."""

import json
import signal
import sys
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import click

from components.errors import UserError
from components.promote.policy import Policy
from components.train.recipe import DEFAULT_RECIPE, DESCRIPTIONS, RECIPES
from pipelines.cluster_cli import compile_, init, submit
from pipelines.compare_cli import compare
from pipelines.models_cli import models, predict
from pipelines.options import store_options
from pipelines.run_folder import INDEX
from pipelines.schedule_cli import schedule

if TYPE_CHECKING:
    from rich.console import Console

    from pipelines.local import RunRequest, RunResult

RUN_EXAMPLES = """\b
Examples:
  mnist-pipeline run                                 the MNIST that ships, the default recipe
  mnist-pipeline run --recipe tutorial --seed 1
  mnist-pipeline run --set epochs=10 --set hidden_units=512,256
  mnist-pipeline run --data ~/my-digits --output runs/mine --json
  mnist-pipeline run --runner docker --gpus          in the images; training on the GPU
  mnist-pipeline run --data gs://bucket/digits --store gs://bucket/models --name digits

\b
Recipes:
"""
RUN_EXAMPLES += "".join(f"  {name:9} {text}\n" for name, text in DESCRIPTIONS.items())


class Commands(click.Group):
    """Commands of which a user's error is the last sentence, with exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command that the arguments name."""
        try:
            return super().invoke(ctx)
        except UserError as error:
            raise click.ClickException(str(error)) from error


@click.group(
    cls=Commands,
    context_settings={
        "help_option_names": ["-h", "--help"],
        "max_content_width": 100,
        "show_default": True,
    },
)
@click.version_option(package_name="mnist-pipeline")
def main() -> None:
    """Trains, scores and serves Dense-network image classifiers with Kubeflow Pipelines."""


@main.command(epilog=RUN_EXAMPLES)
@click.option(
    "--data",
    default="mnist",
    metavar="URI",
    help="'mnist' (ships with the package), a folder of IDX files or an .npz, here or at gs://.",
)
@click.option(
    "--recipe", default=DEFAULT_RECIPE, metavar="NAME", help=f"How to train: {', '.join(RECIPES)}."
)
@click.option(
    "--set",
    "settings",
    multiple=True,
    metavar="KEY=VALUE",
    help="Change a field of the recipe; repeat for more. A wrong key lists the known ones.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of the split and of training.")
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Folder for model, pages and log.  [default: runs/<time>]",
)
@click.option("--no-cache", is_flag=True, help="Run every step, also where nothing has changed.")
@click.option(
    "--runner",
    type=click.Choice(["subprocess", "docker"]),
    default="subprocess",
    help="Run each step as a process here, or in its image (see `make images`).",
)
@click.option("--gpus", is_flag=True, help="Give training in Docker all GPUs of this machine.")
@store_options
@click.option(
    "--min-accuracy",
    default=Policy.min_accuracy,
    help="Test accuracy below which no model is promoted.",
)
@click.option(
    "--significance",
    default=Policy.significance,
    help="Level of McNemar's exact test, one-sided, against the champion.",
)
@click.option(
    "--require-improvement",
    is_flag=True,
    help="Promote only what is significantly better, not all that is not significantly worse.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="One JSON document on stdout, the rest on stderr."
)
@click.option("--verbose", is_flag=True, help="Show everything that KFP and the steps print.")
@click.option("--open", "show", is_flag=True, help="Open the run's page in a browser at the end.")
def run(
    output: Path | None, no_cache: bool, as_json: bool, verbose: bool, show: bool, **options: Any
) -> None:
    """Run the pipeline on this machine: prepare the data, train, evaluate, promote.

    Steps whose inputs have not changed are reused from earlier runs in the same parent folder.
    """
    from rich.console import Console

    from pipelines.local import RunRequest

    output = output or Path("runs") / f"{datetime.now():%Y-%m-%d-%H%M%S}"
    request = RunRequest(output=output, cache=not no_cache, **options)
    console = Console(file=sys.stderr if as_json else sys.stdout)
    result = _run_visibly(request, console, verbose)
    if as_json:
        click.echo(json.dumps(result.summary(), indent=2))
    if show and result.started:
        click.launch(str(result.output / INDEX))
    sys.exit(0 if result.error is None else 1)


def _run_visibly(request: "RunRequest", console: "Console", verbose: bool) -> "RunResult":
    from pipelines import local
    from pipelines.console import ConsoleObserver, print_result

    observer = ConsoleObserver(console)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # as Ctrl-C: no container stays
    try:
        result = local.run(request, observer, echo=cast(TextIO, console.file) if verbose else None)
    except UserError as error:
        result = local.not_started(request, str(error))
    finally:
        observer.close()
    print_result(console, result)
    return result


for command in (compare, init, compile_, submit, schedule, models, predict):
    main.add_command(command)

if __name__ == "__main__":
    main()
