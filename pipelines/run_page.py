"""The page that ties a run together: ``index.html`` in its folder."""

from typing import TYPE_CHECKING, Any

from components import pages
from pipelines import run_folder

if TYPE_CHECKING:
    from pipelines.local import RunRequest, RunResult


# What comes out of each step, with the file in the run's folder where there is one.
_HANDS_ON = {
    "snapshot-source": {"fingerprint of the data": "", "version of the champion": ""},
    "prepare-dataset": {"dataset": ""},
    "visualize-dataset": {
        "data page": run_folder.PAGE_FILES["data"],
        "drift.json": run_folder.DRIFT,
    },
    "train-model": {"training page": run_folder.PAGE_FILES["training"], "model": "model"},
    "evaluate-model": {
        "evaluation page": run_folder.PAGE_FILES["evaluation"],
        "evaluation.json": run_folder.EVALUATION,
    },
    "promote-model": {"which model serves": "", "promotion.json": run_folder.PROMOTION},
}


def write(request: "RunRequest", result: "RunResult") -> None:
    """Writes the page; links on it are relative, so that the folder can be moved."""
    pages.render(
        "run.html",
        result.output / run_folder.INDEX,
        request=request,
        result=result,
        evaluation=result.evaluation,
        verdict=f"Champion: {verdict(result.promotion)}." if result.promotion else "",
        serves=bool(result.promotion) and _serves(result.promotion),
        hands_on=_HANDS_ON,
        present={path.name for path in result.output.iterdir()},
        seconds=sum(step.seconds for step in result.steps) or 1.0,
        log=run_folder.LOG,
        summary=run_folder.SUMMARY,
    )


def _serves(promotion: dict[str, Any]) -> bool:
    return promotion["version"] is not None and promotion["version"] == promotion["champion"]


def verdict(promotion: dict[str, Any]) -> str:
    """Says in a sentence what became of the model."""
    version, champion = promotion["version"], promotion["champion"]
    if promotion["outcome"] == "kept":
        stays = f"version {champion} stays" if champion else "none yet"
        return f"{stays}: {promotion['reason']}"
    if not promotion["repeated"]:
        return f"version {version} from now on: {promotion['reason']}"
    if version == champion:
        return f"version {version}, this model, already: {promotion['reason']}"
    return f"version {champion} stays: this model, version {version}, was promoted before"
