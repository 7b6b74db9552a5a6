"""``mnist-pipeline compare``: what it finds to differ, what it marks, what it refuses."""

import json
import re
from itertools import islice

import pytest
from click.testing import CliRunner
from html_outline import assert_well_made
from runs import epoch, write_comparison, write_run

from components.promote.candidate import open_candidate
from components.promote.model_store import ModelStore
from pipelines import compare
from pipelines.cli import main

EVIL = "<img src=x onerror=alert(1)>"
MISSING = "\N{EN DASH}"
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
    changes |= {"image_shape": [32, 48], "class_names": ["cat", "dog"]}
    two = write_run(tmp_path / "two", changes, {"dataset_fingerprint": "e" * 64}, epochs=4)
    assert compare.differences(read(store, one, two)) == {
        "hidden_units": ["512, 256", "256"],
        "epochs": ["3", "4"],
        "jit_compile": ["True", MISSING],
        "seed": ["0", "3"],
        "python": ["3.11.7", "3.13.1"],
        "data": ["f" * 12, "e" * 12],
        "image": ["28x28", "32x48"],
        "classes": ["10", "2"],
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
    assert lines[:8] == [
        ["version 1", f"{store.folder.uri}/version 2", "1", f"{tmp_path.name}/version 2"],
        ["accuracy", "98.00%", "98.00%", "98.00%", "93.12%"],
        ["95 % interval", *["97.70% to 98.30%"] * 4],
        ["loss", *["0.0700"] * 4],
        ["macro F1", *["0.9800"] * 4],
        ["training seconds", *["1.5"] * 4],
        ["learning_rate", "0.015", "0.015", "0.015", "0.001"],
        ["seed", "1", "2", "1", "0"],
    ]
    assert str(tmp_path / "comparison.html") in result.output
    assert_well_made((tmp_path / "comparison.html").read_text())


def test_the_best_of_each_metric_is_bold(tmp_path):
    metrics = {"accuracy": 0.91, "loss": 0.5, "macro_f1": 0.92, "per_class": classes(0.5)}
    metrics |= {"expected_calibration_error": 0.011, "roc": {"auc": 0.99}}
    better = {"accuracy": 0.93, "loss": 0.4, "macro_f1": 0.93, "expected_calibration_error": 0.01}
    one = write_run(tmp_path / "one", evaluation=metrics)
    two = write_run(tmp_path / "two", evaluation=metrics | better)
    three = write_run(tmp_path / "three", evaluation=metrics | {"loss": 0.3})
    assert bold(page(tmp_path, one, two)) == [
        "0.9900",  # of both
        *("93.00\u00a0%", "0.4000", "93.00\u00a0%", "1.00\u00a0%", "0.9900"),
        *["50.00\u00a0%"] * 2,
    ]
    assert "0.3000" in bold(page(tmp_path, one, two, three))


def classes(*f1):
    return [
        {"name": name, "f1": value, "support": 8}
        for name, value in zip(("a", EVIL), f1, strict=False)
    ]


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


def test_a_class_that_a_run_lacks_takes_only_its_place(tmp_path):
    one = write_run(tmp_path / "one", evaluation={"per_class": classes(0.5, 0.25)})
    cat = [{"name": "cat", "f1": 0.75, "support": 8}, {"name": "a", "f1": 0.625, "support": 8}]
    html = page(tmp_path, one, write_run(tmp_path / "two", evaluation={"per_class": cat}))
    rows = html[html.index("F1 of each class") :]
    cells = re.findall(r'<td class="number">(?:<strong>)?(.*?)<', rows.replace("\u00a0%", ""))
    assert cells == ["50.00", "62.50", "25.00", MISSING, MISSING, "75.00"]
    assert bold(rows) == ["62.50\u00a0%", "25.00\u00a0%", "75.00\u00a0%"]


OTHER_FILES = {"dataset_fingerprint": "e" * 64}


def test_a_class_without_test_images_has_no_f1_and_no_best(tmp_path):
    untested = [{"name": "a", "f1": 0.0, "support": 0}, {"name": "b", "f1": 0.5, "support": 8}]
    runs = [write_run(tmp_path / n, evaluation={"per_class": untested}) for n in ("one", "two")]
    table = page(tmp_path, *runs).split("F1 of each class</h2>")[1]
    assert table.count("\N{EN DASH}") == 2
    assert bold(table) == ["50.00\u00a0%", "50.00\u00a0%"]


@pytest.mark.parametrize("split", ["test", "validation"])
@pytest.mark.parametrize(
    ("runs", "same"),
    [
        ([{}, {"evaluation": OTHER_FILES}], True),
        ([{}, {"splits": "other"}], False),
        ([{}, {"evaluation": OTHER_FILES}, {"splits": "other"}], False),
        ([{}, {"splits": {}}], True),
        ([{"splits": {}}, {"splits": {}}], True),
        ([{}, {"splits": {}, "evaluation": OTHER_FILES}], False),
        ([{"splits": {}}, {"splits": {}, "evaluation": OTHER_FILES}], False),
        ([{"splits": {}}, {}, {"evaluation": OTHER_FILES}], True),
        ([{"splits": {}}, {}, {"splits": "other"}], False),
    ],
)
def test_images_are_told_apart_by_their_digests_where_they_have_some(
    tmp_path, store, split, runs, same
):
    """Where they have none, by the raw files that they were made from."""
    runs = [run | {"splits": {split: "other"}} if "other" in run.values() else run for run in runs]
    folders = [write_run(tmp_path / str(number), **run) for number, run in enumerate(runs)]
    images = [getattr(run, split) for run in read(store, *folders)]
    assert compare.same_images(images) is same


def test_without_digests_another_seed_means_other_validation_images(tmp_path, store):
    folders = [write_run(tmp_path / str(n), {"seed": n}, splits={}) for n in range(2)]
    runs = read(store, *folders)
    assert compare.same_images([run.test for run in runs])
    assert not compare.same_images([run.validation for run in runs])


def test_other_test_images_are_warned_of_and_nothing_is_the_best(tmp_path, command):
    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two", evaluation=OTHER_FILES)
    warning = "not all scored on the same test images"
    html = page(tmp_path, one, two)
    assert warning not in html and bold(html)
    assert warning not in command(one, two).output
    other = write_run(tmp_path / "other", splits={"test": "other"})
    html = page(tmp_path, one, two, other)
    assert warning in html
    assert bold(html) == []
    assert warning in command(one, two, other).output


def test_what_makes_curves_incomparable_is_said(tmp_path):
    one = write_run(tmp_path / "one")
    two = write_run(tmp_path / "two", label_smoothing=0.05, splits={"validation": "other"})
    html = page(tmp_path, one, two)
    assert "Label smoothing differs" in html
    assert "The validation images are not the same" in html
    html = page(tmp_path, one, write_run(tmp_path / "three", model={"seed": 3}))
    assert "validation images" not in html


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
    model = {"device": EVIL, "versions": {EVIL: EVIL}}
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
        ("evaluation.json", {"loss": "0.07"}),
        ("evaluation.json", {"loss": float("nan")}),
        ("evaluation.json", {"loss": True}),
        ("evaluation.json", {"accuracy_interval": [0.9, "1"]}),
        ("evaluation.json", {"roc": {"auc": float("inf")}}),
        ("evaluation.json", {"per_class": []}),
        ("evaluation.json", {"per_class": [{"name": "a", "f1": float("nan"), "support": 8}]}),
        ("evaluation.json", {"dataset_fingerprint": None}),
        ("model/model.json", "\udcff"),
        ("model/model.json", {"parameters": float("inf")}),
        ("model/model.json", {"recipe": [1]}),
        ("model/model.json", {"recipe": {"learning_rate": float("nan")}}),
        ("model/model.json", {"seed": "0"}),
        ("model/model.json", {"image_shape": ["28", 28]}),
        ("model/model.json", {"image_shape": [28]}),
        ("model/model.json", {"class_names": None}),
        ("model/model.json", {"dataset": None}),
        ("model/model.json", {"dataset": {"splits": {"test": {}}}}),
        ("model/model.json", {"history": []}),
        ("model/model.json", {"history": [epoch(1) | {"val_loss": float("nan")}]}),
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


def write_unfinished(folder):
    folder.mkdir()
    (folder / "kfp.log").touch()
    (folder / "run.json").write_text("{}")
    return folder


def test_runs_that_did_not_succeed_are_left_out_and_named(tmp_path, command):
    one, two = write_run(tmp_path / "one"), write_run(tmp_path / "two")
    (one / "kfp.log").touch()
    failed, going_on = write_unfinished(tmp_path / "failed"), write_unfinished(tmp_path / "go")
    result = command(failed, one, going_on, two)
    assert result.exit_code == 0, result.output
    for folder, line in zip((failed, going_on), result.stderr.splitlines(), strict=True):
        assert str(folder) in line
    assert result.stdout.splitlines()[0].split() == ["one", "two"]
    (tmp_path / "comparison.html").unlink()
    result = command(failed, one)
    assert result.exit_code == 1
    assert "Fewer than two" in result.stderr.splitlines()[-1]
    assert not (tmp_path / "comparison.html").exists()


def test_digits_are_a_version_even_beside_a_folder_of_that_name(tmp_path, command, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_unfinished(tmp_path / "7")
    assert_refused(tmp_path, command(write_run(tmp_path / "one"), 7), "no version 7")


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
