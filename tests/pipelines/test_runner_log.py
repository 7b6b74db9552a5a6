"""RunnerLog, fed with lines such as KFP 2.17 writes."""

import io

from pipelines.runner_log import RunnerLog


class Recorder:
    def __init__(self):
        self.events = []

    def step_started(self, step):
        self.events.append(("started", step.name))

    def step_progressed(self, step, progress):
        self.events.append(("progressed", step.name, progress.done, progress.total))

    def step_ended(self, step):
        self.events.append(("ended", step.name, step.state))


def follow(text, chunk=7):
    recorder, kept = Recorder(), io.StringIO()
    stream = RunnerLog(("one", "two", "three"), recorder, kept)
    for start in range(0, len(text), chunk):
        stream.write(text[start : start + chunk])
    assert kept.getvalue() == text
    return stream, recorder.events


def test_steps_are_followed_through_colours_and_split_writes():
    stream, events = follow(
        "10:00:00.000 - INFO - Executing task '\x1b[96mone\x1b[0m'\n"
        "    [1/4] epoch 1\n"
        "10:00:01.000 - INFO - Task '\x1b[96mone\x1b[0m' finished with status "
        "\x1b[92mSUCCESS\x1b[0m\n"
        "Task two cache hit (key=0123456789ab); skipping execution.\n"
    )
    assert events == [
        ("started", "one"),
        ("progressed", "one", 1, 4),
        ("ended", "one", "succeeded"),
        ("ended", "two", "cached"),
    ]
    assert [step.state for step in stream.steps.values()] == ["succeeded", "cached", "skipped"]


def test_a_failed_step_keeps_its_last_lines():
    stream, events = follow(
        "Executing task 'one'\n"
        + "".join(f"    line {n}\n" for n in range(80))
        + "    components.errors.UserError: no such folder\n"
        "Task 'one' finished with status FAILURE\n"
    )
    assert events[-1] == ("ended", "one", "failed")
    assert stream.steps["one"].lines[-1] == "components.errors.UserError: no such folder"
    assert len(stream.steps["one"].lines) == 50
