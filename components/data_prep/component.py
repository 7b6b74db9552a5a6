"""The KFP face of data preparation."""

from typing import NamedTuple

from kfp import dsl

from components import images


@dsl.component(base_image=images.DATA_PREP, install_kfp_package=False)
def snapshot_source(data: str, store: str, name: str) -> NamedTuple(  # type: ignore[valid-type]
    "Snapshot", [("fingerprint", str), ("champion", int)]
):
    """Returns one fingerprint of the raw files behind a URI, and the version that serves (or 0).

    It must never be cached: later steps are keyed by what it returns.
    """
    from components.data_prep.sources import fingerprint
    from components.promote.champion import serving
    from components.promote.model_store import open_store

    return fingerprint(data), serving(open_store(store, name))


@dsl.component(base_image=images.DATA_PREP, install_kfp_package=False)
def prepare_dataset(
    data: str,
    fingerprint: str,
    validation_size: int,
    seed: int,
    dataset: dsl.Output[dsl.Dataset],
    statistics: dsl.Output[dsl.Metrics],
) -> None:
    """Verifies, flattens and splits the raw files into a prepared dataset."""
    from pathlib import Path

    from components.data_prep.prepare import prepare
    from components.files import write_json

    prepared = prepare(data, fingerprint, validation_size, seed, Path(dataset.path))
    for name, value in prepared.statistics().items():
        statistics.log_metric(name, value)
    write_json(Path(statistics.path), statistics.metadata)


@dsl.component(base_image=images.DATA_PREP, install_kfp_package=False)
def visualize_dataset(
    dataset: dsl.Input[dsl.Dataset],
    store: str,
    name: str,
    champion: int,
    drift: dsl.Output[dsl.Artifact],
    page: dsl.Output[dsl.HTML],
) -> None:
    """Shows a prepared dataset, and what has changed since the champion's."""
    from pathlib import Path

    from components.data_prep.visualize import visualize
    from components.dataset import open_dataset
    from components.promote.model_store import open_store

    visualize(
        open_dataset(Path(dataset.path)),
        open_store(store, name),
        champion,
        Path(drift.path),
        Path(page.path),
    )
