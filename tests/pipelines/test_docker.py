"""What containers get to see and how they are judged; tests/docker runs them."""

import json

import pytest
from docker.errors import APIError

from components.errors import UserError
from pipelines import runners
from pipelines.docker import access, docker_runner, run_container


def bound(options):
    return {mount["Source"]: mount["ReadOnly"] for mount in options["mounts"]}


def test_local_data_is_read_only_and_there_is_no_network(tmp_path):
    options = access([str(tmp_path)], ["/runs/checkpoints"])
    assert bound(options) == {"/runs/checkpoints": False, str(tmp_path): True}
    assert all(mount["Target"] == mount["Source"] for mount in options["mounts"])
    assert options["network_mode"] == "none"
    assert "environment" not in options


@pytest.mark.parametrize("data", ["mnist", "/no/such/folder"])
def test_data_that_is_not_on_this_machine_is_not_mounted(data):
    assert bound(access([data], ["/runs/checkpoints"])) == {"/runs/checkpoints": False}


def test_data_in_a_bucket_gets_the_network_and_this_users_credentials(tmp_path, monkeypatch):
    key = tmp_path / "key.json"
    key.write_text("{}")
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(key))
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", "http://127.0.0.1:1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody's business")
    monkeypatch.delenv("GOOGLE_CLOUD_PROJECT", raising=False)
    options = access(["gs://bucket/digits"], ["/runs/checkpoints"])
    assert bound(options) == {"/runs/checkpoints": False, str(key): True}
    assert options["network_mode"] == "host"
    assert options["environment"] == {
        "GOOGLE_APPLICATION_CREDENTIALS": str(key),
        "STORAGE_EMULATOR_HOST": "http://127.0.0.1:1",
    }


def test_without_named_credentials_those_of_gcloud_are_found(tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.delenv("GOOGLE_APPLICATION_CREDENTIALS", raising=False)
    assert bound(access(["mnist"], ["gs://bucket"])) == {}
    key = tmp_path / ".config/gcloud/application_default_credentials.json"
    key.parent.mkdir(parents=True)
    key.write_text("{}")
    options = access(["mnist"], ["gs://bucket"])
    assert bound(options)[str(key)] is True
    assert options["environment"]["GOOGLE_APPLICATION_CREDENTIALS"] == str(key)


def test_an_engine_that_does_not_answer_is_explained(tmp_path, monkeypatch):
    monkeypatch.setenv("DOCKER_HOST", f"unix://{tmp_path}/no.sock")
    with pytest.raises(UserError, match=r"no\.sock"):
        docker_runner(["mnist"], [], gpus=False)


def test_gpus_are_for_containers():
    with pytest.raises(UserError, match="--runner docker"):
        runners.choose("subprocess", ["mnist"], [], gpus=True)


class Engine:
    """Stands in for the engine's client, its containers and one container."""

    def __init__(self, status=0, lines=(), out_of_memory=False, refusal=None):
        self.containers = self
        self.attrs = {"State": {"OOMKilled": out_of_memory}}
        self.removed = False
        self._status, self._lines, self._refusal = status, lines, refusal

    def create(self, image, command, **options):
        self.options = options
        return self

    def start(self):
        if self._refusal:
            raise APIError(self._refusal)

    def logs(self, stream):
        for line in self._lines:
            if isinstance(line, BaseException):
                raise line
            yield line

    def wait(self):
        return {"StatusCode": self._status}

    def reload(self):
        pass

    def remove(self, force, v):
        self.removed = force


@pytest.fixture
def task(tmp_path):
    """Runs a step of image `id` on a stand-in; it has one input, and its outputs lie there."""
    outputs = tmp_path / "executor_output.json"
    outputs.write_text("{}")
    executor_input = {
        "inputs": {"artifacts": {"dataset": {"artifacts": [{"uri": "/runs/one/dataset"}]}}},
        "outputs": {"outputFile": str(outputs)},
    }
    command = ["sh", "--executor_input", json.dumps(executor_input), "--function_to_execute", "f"]

    def run(engine, gpu_image=None):
        status = run_container(engine, "id", command, mounts=[], gpu_image=gpu_image)
        assert engine.removed
        return status

    run.outputs = outputs
    return run


def test_a_step_sees_its_inputs_read_only(task):
    engine = Engine()
    assert task(engine) == 0
    assert bound(engine.options) == {"/runs/one/dataset": True}


@pytest.mark.parametrize(("gpu_image", "given"), [(None, False), ("other", False), ("id", True)])
def test_only_the_image_that_is_named_gets_gpus(task, gpu_image, given):
    engine = Engine()
    task(engine, gpu_image)
    assert ("device_requests" in engine.options) == given


def test_a_step_without_outputs_has_failed(task):
    task.outputs.unlink()
    assert task(Engine(status=0)) != 0


def test_what_a_failed_container_wrote_comes_before_how_it_ended(task, capsys):
    assert task(Engine(status=3, lines=[b"caf\xc3\xa9\n", b"half a li"])) == 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[:2] == ["café", "half a li"]
    assert "3" in lines[2]


def test_lack_of_memory_is_named(task, capsys):
    assert task(Engine(status=137, out_of_memory=True)) == 137
    assert "memory" in capsys.readouterr().out


def test_a_container_that_can_not_start_has_failed(task, capsys):
    assert task(Engine(refusal="exec: sh: not found")) != 0
    assert "sh: not found" in capsys.readouterr().out


def test_an_interrupted_container_is_removed(task):
    engine = Engine(lines=[b"one\n", KeyboardInterrupt()])
    with pytest.raises(KeyboardInterrupt):
        task(engine)
    assert engine.removed
