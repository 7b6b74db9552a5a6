"""Progress lines are read back as they were written."""

from components.progress import Progress, parse, report


def test_a_line_is_read_back(capsys):
    report(2, 5, "epoch 2  loss 0.1")
    assert parse("    " + capsys.readouterr().out) == Progress(2, 5, "epoch 2  loss 0.1")


def test_other_lines_are_not_progress():
    assert parse("INFO [2/5] epoch") is None
    assert parse("[two/5] epoch") is None
