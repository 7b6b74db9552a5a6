"""The page of a run: what it says, and that nothing on it is taken for markup."""

import re
from pathlib import Path

import pytest

from pipelines import run_page
from pipelines.config import STEPS
from pipelines.local import RunRequest, RunResult
from pipelines.runner_log import Step

EVIL = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"
PROMOTED = {
    "outcome": "promoted",
    "version": 3,
    "champion": 3,
    "reason": "better",
    "repeated": False,
}


def page(tmp_path, **changes):
    """The page, in a folder with every file that it could link to."""
    for name in ("data.html", "training.html", "evaluation.html", "drift.json"):
        (tmp_path / name).touch()
    request = RunRequest(EVIL, "fast", (f"epochs={EVIL}",), 0, tmp_path)
    evaluation = {"accuracy": 0.9, "accuracy_interval": [0.8, 0.95], "loss": 0.5, "macro_f1": 0.89}
    steps = [Step(name, "succeeded", 2.0) for name in STEPS]
    fields = {"steps": steps, "evaluation": evaluation, "promotion": PROMOTED, **changes}
    run_page.write(request, RunResult(output=tmp_path, **fields))
    return Path(tmp_path / "index.html").read_text()


def test_it_ties_the_run_together(tmp_path):
    text = page(tmp_path)
    figures = ("90.00\u00a0%", "80.00\u00a0% to 95.00\u00a0%", "version 3 from now on: better")
    for part in (*STEPS, *figures):
        assert part in text
    for name in ("data.html", "training.html", "evaluation.html", "kfp.log"):
        assert f'href="{name}"' in text
    assert text.count("succeeded in 2.0\u00a0s") == len(STEPS)
    assert text.index(STEPS[0]) < text.index(STEPS[-1])


def test_what_moved_in_the_data_is_on_it(tmp_path):
    assert f"Data: Class {ESCAPED} is new." in page(tmp_path, warnings=(f"Class {EVIL} is new.",))


def test_each_state_is_said_in_words(tmp_path):
    states = ("cached", "failed", "skipped", "skipped", "succeeded", "succeeded")
    steps = [Step(name, state) for name, state in zip(STEPS, states, strict=True)]
    text = page(tmp_path, steps=steps, error="it broke")
    for words in ("reused from an earlier run", "failed in", "did not run"):
        assert words in text


@pytest.mark.parametrize("changes", [{}, {"error": EVIL, "evaluation": {}, "promotion": {}}])
def test_markup_is_shown_and_not_executed(tmp_path, changes):
    text = page(tmp_path, **changes)
    assert "<script" not in text
    assert ESCAPED in text


def test_a_failed_run_links_to_what_its_steps_have_made(tmp_path):
    states = ("succeeded", "cached", "succeeded", "failed", "skipped", "skipped")
    steps = [Step(name, state) for name, state in zip(STEPS, states, strict=True)]
    text = page(tmp_path, steps=steps, error="no such folder", evaluation={}, promotion={})
    assert "no such folder" in text
    links = set(re.findall(r'href="([^"]*)"', text))
    assert links == {"kfp.log", "run.json", "data.html", "drift.json"}


def test_only_a_model_that_serves_is_good_news(tmp_path):
    repeated = PROMOTED | {"repeated": True}
    assert "note good" in page(tmp_path, promotion=repeated)
    assert "note good" not in page(tmp_path, promotion=repeated | {"champion": 2})
