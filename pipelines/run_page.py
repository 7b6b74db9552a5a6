"""The page that ties a run together: ``index.html`` in its folder."""

from typing import TYPE_CHECKING, Any

from components import pages
from pipelines import run_folder

if TYPE_CHECKING:
    from pipelines.local import RunRequest, RunResult

_HANDS_ON = {
    "snapshot-source": "the data's fingerprint, the champion's version",
    "prepare-dataset": "dataset, data page",
    "train-model": "model, training page",
    "evaluate-model": "evaluation, metrics, evaluation page",
    "promote-model": "which model serves",
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
        promoted=result.promotion.get("outcome") == "promoted",
        hands_on=_HANDS_ON,
        longest=max(step.seconds for step in result.steps) or 1.0,
        links=_links(result),
    )


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


def _links(result: "RunResult") -> dict[str, str]:
    log = {"Everything that was printed": run_folder.LOG}
    if result.error is not None:
        return log
    links = {f"{name.capitalize()} page": f"{name}.html" for name in run_folder.PAGES}
    return {**links, "Evaluation as JSON": run_folder.EVALUATION, "Model": "model", **log}
