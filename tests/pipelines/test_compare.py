"""``mnist-pipeline compare``: what it finds to differ, what it marks, what it refuses."""

import json
import re
from itertools import islice

import pytest
from click.testing import CliRunner
from html_outline import assert_well_made
from runs import write_comparison, write_run

from components.promote.candidate import open_candidate
from components.promote.model_store import ModelStore
from pipelines import compare
from pipelines.cli import main

EVIL = "<img src=x onerror=alert(1)>"
ESCAPED = "&lt;img src=x onerror=alert(1)&gt;"


@pytest.fixture
def store(tmp_path):
    return ModelStore(str(tmp_path / "models"), "mnist")


@pytest.fixture
def command(tmp_path):
    """Runs the command; its page is comparison.html, its store models/."""

    def command(*runs):
        options = ["--output", str(tmp_path / "comparison.html")]
        options += ["--store", str(tmp_path / "models")]
        return CliRunner().invoke(main, ["compare", *options, "--", *map(str, runs)])

    return command


def publish(store, folder, **changes):
    write_run(folder, **changes)
    return store.publish(open_candidate(folder / "model", folder / "evaluation.json"))


def read(store, *folders):
    return compare.read_runs([str(folder) for folder in folders], store)


def page(tmp_path, *folders):
    write_comparison(tmp_path / "comparison.html", *folders)
    html = (tmp_path / "comparison.html").read_text()
    assert_well_made(html)
    return html


def bold(html):
    return re.findall("<strong>(.*?)</strong>", html)


def test_only_settings_that_differ_are_found(tmp_path, store):
    one = write_run(tmp_path / "one", hidden_units=[512, 256], jit_compile=True)
    changes = {"seed": 3, "versions": {"python": "3.13.1", "keras": "3.15.1"}}
    two = write_run(tmp_path / "two", changes, {"dataset_fingerprint": "e" * 64}, epochs=4)
    assert compare.differences(read(store, one, two)) == {
        "hidden_units": ["[512, 256]", "[256]"],
        "epochs": ["3", "4"],
        "jit_compile": ["True", ""],
        "seed": ["0", "3"],
        "python": ["3.11.7", "3.13.1"],
        "data": ["f" * 12, "e" * 12],
    }


def test_small_numbers_are_short(tmp_path, store):
    rates = (0.1 + 0.2, 0.000012)
    runs = [write_run(tmp_path / str(rate), learning_rate=rate) for rate in rates]
    assert compare.differences(read(store, *runs)) == {"learning_rate": ["0.3", "1.2e-05"]}


def test_runs_that_do_not_differ_are_said_to_be_the_same(tmp_path):
    html = page(tmp_path, write_run(tmp_path / "one"), write_run(tmp_path / "two"))
    assert "Recipe, seed, software versions and data are all the same." in html


@pytest.mark.parametrize(
    ("folders", "labels"),
    [
        (("a/one", "a/two"), ["one", "two"]),
        (("a/one", "b/one", "two"), ["a/one", "b/one", "two"]),
        (("a/x/one", "b/x/one", "b/one"), ["a/x/one", "b/x/one", "b/one"]),
    ],
)
def test_a_label_is_as_much_of_the_path_as_tells_runs_apart(tmp_path, store, folders, labels):
    runs = read(store, *(write_run(tmp_path / folder) for folder in folders))
    assert [run.label for run in runs] == labels


def test_versions_folders_of_versions_and_runs_can_be_mixed(tmp_path, store, command):
    for seed in (1, 2):
        assert publish(store, tmp_path / str(seed), model={"seed": seed}) == seed
    run = write_run(tmp_path / "version 2", learning_rate=0.001, evaluation={"accuracy": 0.9312})
    result = command(1, 2, tmp_path / "models" / "mnist" / "1", run)
    assert result.exit_code == 0, result.output
    lines = [re.split(r"  +", line.strip()) for line in result.output.splitlines()]
    figures = ["97.70% to 98.30%", "0.0700", "0.9800", "1.5"]
    assert lines[0] == [
        *("run", "accuracy", "95 % interval", "loss", "macro F1", "seconds"),
        *("learning_rate", "seed"),
    ]
    assert lines[1] == ["version 1", "98.00%", *figures, "0.015", "1"]
    assert lines[2] == [f"{store.folder.uri}/version 2", "98.00%", *figures, "0.015", "2"]
    assert lines[3] == ["1", "98.00%", *figures, "0.015", "1"]
    assert lines[4] == [f"{tmp_path.name}/version 2", "93.12%", *figures, "0.001", "0"]
    assert str(tmp_path / "comparison.html") in result.output
    assert_well_made((tmp_path / "comparison.html").read_text())


def test_the_best_of_each_metric_is_bold(tmp_path):
    metrics = {"accuracy": 0.91, "loss": 0.5, "macro_f1": 0.92, "per_class": []}
    metrics |= {"expected_calibration_error": 0.011, "roc": {"auc": 0.99}}
    better = {"accuracy": 0.93, "loss": 0.4, "macro_f1": 0.93, "expected_calibration_error": 0.01}
    one = write_run(tmp_path / "one", evaluation=metrics)
    two = write_run(tmp_path / "two", evaluation=metrics | better)
    three = write_run(tmp_path / "three", evaluation=metrics | {"loss": 0.3})
    assert bold(page(tmp_path, one, two)) == [
        "0.9900",  # of both
        *("93.00\u00a0%", "0.4000", "93.00\u00a0%", "1.00\u00a0%", "0.9900"),
    ]
    assert "0.3000" in bold(page(tmp_path, one, two, three))


def classes(*f1):
    return [{"name": name, "f1": value} for name, value in zip(("a", EVIL), f1, strict=True)]


def test_classes_are_side_by_side(tmp_path):
    one, two = (
        write_run(tmp_path / name, evaluation={"per_class": classes(*f1)})
        for name, f1 in (("one", (0.5, 0.25)), ("two", (0.625, 0.125)))
    )
    html = page(tmp_path, one, two)
    assert EVIL not in html
    rows = html[html.index("F1 of each class") :]
    assert re.findall(r"[\d.]+(?=\u00a0%)", rows) == ["50.00", "62.50", "25.00", "12.50"]
    assert bold(rows) == ["62.50\u00a0%", "25.00\u00a0%"]


def test_other_classes_are_not_put_side_by_side(tmp_path):
    one = write_run(tmp_path / "one")
    two = write_run(tmp_path / "two", evaluation={"per_class": [{"name": "cat", "f1": 1.0}]})
    assert "do not have the same classes" in page(tmp_path, one, two)


def test_other_test_data_are_warned_of_and_nothing_is_the_best(tmp_path):
    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two")
    warning = "not all scored on the same test data"
    assert warning not in page(tmp_path, one, two)
    other = write_run(tmp_path / "other", evaluation={"dataset_fingerprint": "e" * 64})
    html = page(tmp_path, one, two, other)
    assert warning in html
    assert bold(html) == []


def test_what_makes_curves_incomparable_is_said(tmp_path):
    one = write_run(tmp_path / "one")
    two = write_run(tmp_path / "two", model={"seed": 3}, label_smoothing=0.05)
    html = page(tmp_path, one, two)
    assert "Label smoothing differs" in html
    assert "The validation images are not the same" in html


def test_curves_end_where_training_did(tmp_path):
    html = page(tmp_path, write_run(tmp_path / "_a"), write_run(tmp_path / "b", epochs=5))
    assert "Validation accuracy by epoch, in the last one _a: 0.9633, b: 0.978" in html
    assert "Highest learning rate by epoch, in the last one _a: 0.005, b: 0.003" in html
    legend = html[html.index("<ul") : html.index("</ul>")]
    assert re.findall('aria-label="(.*?)"', legend) == ["Line of _a", "Line of b"]


def test_lines_differ_with_and_without_colour(tmp_path, store):
    (run,) = read(store, write_run(tmp_path / "one"))
    looks = [tuple(look.values()) for _, look in compare._looks([run] * 28)]
    assert len(set(looks)) == len({look[1:] for look in looks}) == 28
    assert len({look[0] for look in islice(looks, 5)}) == 5


def test_many_long_runs_make_a_page_of_moderate_size(tmp_path):
    names = [f"a-run-of-rather-many-epochs-with-a-name-of-some-length-{n}" for n in range(8)]
    html = page(tmp_path, *(write_run(tmp_path / name, epochs=400) for name in names))
    shown = re.sub("<svg.*?</svg>", "", html, flags=re.DOTALL)
    assert not re.search(r"\d\.\d{5}", shown)


def test_markup_is_shown_and_not_executed(tmp_path):
    folders = tmp_path / EVIL, tmp_path / f"{EVIL}2"
    model = {"device": EVIL, "seed": EVIL, "versions": {EVIL: EVIL}}
    one = write_run(folders[0], model, {"dataset_fingerprint": EVIL}, name=EVIL, **{EVIL: EVIL})
    html = page(tmp_path, one, write_run(folders[1]))
    assert "<img" not in html
    assert html.count(ESCAPED) > 15


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("evaluation.json", None),
        ("model/model.json", None),
        ("evaluation.json", "{"),
        ("evaluation.json", "[]"),
        ("evaluation.json", "{}"),
        ("evaluation.json", {"roc": 1}),
        ("evaluation.json", {"accuracy_interval": [0.9]}),
        ("evaluation.json", {"loss": "low"}),
        ("evaluation.json", {"dataset_fingerprint": None}),
        ("model/model.json", "\udcff"),
        ("model/model.json", {"parameters": float("inf")}),
        ("model/model.json", {"recipe": [1]}),
        ("model/model.json", {"history": []}),
        ("model/model.json", {"history": [{"epoch": 1}]}),
        ("model/model.json", {"versions": None}),
    ],
)
def test_what_is_missing_or_damaged_is_one_sentence(tmp_path, command, name, content):
    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two")
    path = two / name
    if content is None:
        path.unlink()
    elif isinstance(content, str):
        path.write_text(content, errors="surrogateescape")
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | content))
    assert_refused(tmp_path, command(one, two), path.name, "two")


def test_other_folders_and_versions_are_refused(tmp_path, store, command):
    run = write_run(tmp_path / "one")
    (tmp_path / "failed").mkdir()
    (tmp_path / "failed" / "run.json").write_text("{}")
    for other in ("failed", "nowhere", "x" * 300):
        assert_refused(tmp_path, command(run, tmp_path / other), other, "evaluation.json")
    assert_refused(tmp_path, command(run, 7), "no version 7")
    assert_refused(tmp_path, command(run, 0), "no version 0")
    assert_refused(tmp_path, command(run, "9" * 5000), "evaluation.json")
    version = publish(store, tmp_path / "two")
    (tmp_path / "models" / "mnist" / "1" / "evaluation.json").write_text("{}")
    assert_refused(tmp_path, command(run, version), "damaged")


@pytest.mark.parametrize("names", [("one", "./one"), ("3", "03")])
def test_a_run_is_named_once(tmp_path, command, monkeypatch, names):
    monkeypatch.chdir(tmp_path)
    assert_refused(tmp_path, command(*names), "twice")


def test_a_page_that_cannot_be_written_is_one_sentence(tmp_path, store):
    runs = read(store, write_run(tmp_path / "one"), write_run(tmp_path / "two"))
    (tmp_path / "file").touch()
    with pytest.raises(compare.UserError, match="Can't write"):
        compare.write_page(tmp_path / "file" / "comparison.html", runs)


@pytest.mark.parametrize("runs", [(), ("one",)])
def test_fewer_than_two_runs_are_wrong_usage(command, runs):
    assert command(*runs).exit_code == 2


def assert_refused(tmp_path, result, *words):
    assert result.exit_code == 1
    assert isinstance(result.exception, SystemExit)
    assert len(result.output.splitlines()) == 1
    for word in words:
        assert word in result.output
    assert not (tmp_path / "comparison.html").exists()
