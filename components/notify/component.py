"""The KFP face of the notice that a run ends with."""

from kfp import dsl

from components import images


@dsl.component(base_image=images.DATA_PREP, install_kfp_package=False)
def notify(
    status: dsl.PipelineTaskFinalStatus,
    runs: str,
    run_id: str,
    notice: dsl.Output[dsl.Artifact],
) -> None:
    """Tells a webhook how the run ended; whatever goes wrong with that, the run's state stays."""
    from pathlib import Path

    from components.notify.notice import tell

    # This step's artifact lies in the run's folder, beside those of the other steps.
    run_uri = notice.uri.rpartition("/notify/")[0]
    tell(status.state, status.error_message or "", runs + run_id, run_uri, Path(notice.path))
