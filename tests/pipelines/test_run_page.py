"""The page of a run: what it says, and that nothing on it is taken for markup."""

from pathlib import Path

import pytest

from pipelines import run_page
from pipelines.config import STEPS
from pipelines.local import RunRequest, RunResult
from pipelines.runner_log import Step

EVIL = "<script>alert(1)</script>"
PROMOTED = {
    "outcome": "promoted",
    "version": 3,
    "champion": 3,
    "reason": "better",
    "repeated": False,
}


def page(tmp_path, **changes):
    request = RunRequest(EVIL, "fast", (f"epochs={EVIL}",), 0, tmp_path)
    steps = [Step(name, "succeeded", 2.0) for name in STEPS]
    evaluation = {"accuracy": 0.9, "accuracy_interval": [0.8, 0.95], "loss": 0.5, "macro_f1": 0.89}
    fields = {"evaluation": evaluation, "promotion": PROMOTED, **changes}
    run_page.write(request, RunResult(steps, tmp_path, **fields))
    return Path(tmp_path / "index.html").read_text()


def test_it_ties_the_run_together(tmp_path):
    text = page(tmp_path)
    figures = ("90.00\u00a0%", "80.00\u00a0% to 95.00\u00a0%", "version 3 from now on: better")
    for part in (*STEPS, *figures):
        assert part in text
    for name in ("data.html", "training.html", "evaluation.html", "kfp.log"):
        assert f'href="{name}"' in text


@pytest.mark.parametrize("changes", [{}, {"error": EVIL, "evaluation": {}, "promotion": {}}])
def test_markup_is_shown_and_not_executed(tmp_path, changes):
    text = page(tmp_path, **changes)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_failed_run_links_to_its_log_alone(tmp_path):
    text = page(tmp_path, error="no such folder", evaluation={}, promotion={})
    assert "no such folder" in text
    assert text.count("href=") == 1
