"""The command line: ``mnist-pipeline``."""

import contextlib
import json
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO, cast

import click

from components.errors import UserError

RUN_EXAMPLES = """\b
Examples:
  mnist-pipeline run                                 the MNIST that ships, the default recipe
  mnist-pipeline run --recipe tutorial --seed 1
  mnist-pipeline run --set epochs=10 --set hidden_units=512,256
  mnist-pipeline run --data ~/my-digits --output runs/mine --json
"""


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="mnist-pipeline")
def main() -> None:
    """Trains, scores and serves Dense-network image classifiers with Kubeflow Pipelines."""


@main.command(epilog=RUN_EXAMPLES)
@click.option(
    "--data",
    default="mnist",
    show_default=True,
    metavar="URI",
    help="'mnist' (ships with the package), a folder of IDX files, or an .npz.",
)
@click.option(
    "--recipe", metavar="NAME", help="Training recipe: tutorial, fast (default), strong, record."
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
    "--json", "as_json", is_flag=True, help="One JSON document on stdout, the rest on stderr."
)
@click.option("--verbose", is_flag=True, help="Show everything that KFP and the steps print.")
def run(
    data: str,
    recipe: str | None,
    settings: tuple[str, ...],
    seed: int,
    output: Path | None,
    no_cache: bool,
    as_json: bool,
    verbose: bool,
) -> None:
    """Run the pipeline on this machine: prepare the data, train, evaluate.

    Steps whose inputs have not changed are reused from earlier runs in the same parent folder.
    """
    from components.train.recipe import DEFAULT_RECIPE, parse_overrides, resolve

    with _user_errors(as_json):
        overrides = parse_overrides(settings)
        resolve(recipe or DEFAULT_RECIPE, overrides)
        from pipelines import local

        request = local.RunRequest(
            data=data,
            recipe=recipe or DEFAULT_RECIPE,
            overrides=overrides,
            seed=seed,
            output=output or Path("runs") / f"{datetime.now():%Y-%m-%d-%H%M%S}",
            cache=not no_cache,
        )
        result = _run_visibly(request, as_json, verbose)
    if as_json:
        click.echo(json.dumps(result.summary(), indent=2))
    sys.exit(0 if result.error is None else 1)


def _run_visibly(request: Any, as_json: bool, verbose: bool) -> Any:
    from rich.console import Console

    from pipelines import local
    from pipelines.console import ConsoleObserver, print_result

    console = Console(file=sys.stderr if as_json else sys.stdout)
    observer = ConsoleObserver(console)
    try:
        result = local.run(request, observer, echo=cast(TextIO, console.file) if verbose else None)
    finally:
        observer.close()
    print_result(console, result)
    return result


@contextlib.contextmanager
def _user_errors(as_json: bool = False) -> Iterator[None]:
    """Turns an error that the user can mend into one sentence and exit status 1."""
    try:
        yield
    except UserError as error:
        if as_json:
            click.echo(json.dumps({"status": "failed", "steps": [], "error": str(error)}, indent=2))
        click.echo(f"Error: {error}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
