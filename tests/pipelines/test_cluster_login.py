"""Ways to log in, and that no secret is ever told."""

import logging
import sys

import pytest

from components.errors import UserError
from pipelines.connection import Connection

SECRET = "s3cr3t-t0ken"


def experiments(connection):
    return list(connection.call(lambda client: client.list_experiments()).experiments or [])


def test_a_token_from_the_environment(kfp_server, connect, monkeypatch):
    kfp_server.tokens = {SECRET}
    monkeypatch.setenv("MNIST_PIPELINE_TOKEN", SECRET)
    assert experiments(connect()) == []
    assert kfp_server.headers[-1]["authorization"] == f"Bearer {SECRET}"


def test_cookies_from_the_environment(kfp_server, connect, monkeypatch):
    monkeypatch.setenv("MNIST_PIPELINE_COOKIES", "authservice_session=abc")
    experiments(connect())
    assert kfp_server.headers[-1]["Cookie"] == "authservice_session=abc"


def test_a_token_file_is_read_anew_when_it_changes(kfp_server, connect, tmp_path):
    file = tmp_path / "token"
    file.write_text("first\n")
    kfp_server.tokens = {"first"}
    connection = connect(login={"token_file": str(file)})
    assert experiments(connection) == []
    kfp_server.tokens = {"second"}
    file.write_text("second\n")
    assert experiments(connection) == []


def test_a_command_prints_a_new_token_when_one_expires(kfp_server, connect, tmp_path):
    script = tmp_path / "token.py"
    script.write_text(
        "import pathlib\n"
        f"file = pathlib.Path({str(tmp_path / 'count')!r})\n"
        "number = int(file.read_text()) + 1 if file.exists() else 1\n"
        "file.write_text(str(number))\n"
        "print(f'token-{number}')\n"
    )
    kfp_server.tokens = {"token-1"}
    connection = connect(login={"token_command": [sys.executable, str(script)]})
    assert experiments(connection) == []
    assert experiments(connection) == []
    kfp_server.tokens = {"token-2"}
    assert experiments(connection) == []
    assert (tmp_path / "count").read_text() == "2"


@pytest.mark.parametrize(
    ("login", "part"),
    [
        ({"token_file": "/no/such/token"}, "/no/such/token"),
        ({"token_command": ["no-such-program", SECRET]}, "no-such-program"),
        ({"token_command": ["false", SECRET]}, "false printed no token"),
        ({"token_command": ["printf", f"Welcome\\n{SECRET}"]}, "What printf prints holds more"),
    ],
)
def test_a_token_that_can_not_be_had_is_told(connect, login, part):
    with pytest.raises(UserError, match=part) as raised:
        connect(login=login)
    assert SECRET not in str(raised.value)


@pytest.mark.parametrize("name", ["MNIST_PIPELINE_TOKEN", "MNIST_PIPELINE_COOKIES"])
def test_a_secret_of_two_lines_is_refused_and_not_shown(connect, monkeypatch, name):
    monkeypatch.setenv(name, f"Welcome\r\n{SECRET}")
    with pytest.raises(UserError, match=f"{name} holds more than one line") as raised:
        connect()
    assert SECRET not in str(raised.value)


def test_no_secret_is_in_errors_or_logs(kfp_server, connect, monkeypatch, caplog, capfd):
    caplog.set_level(logging.INFO)
    monkeypatch.setenv("MNIST_PIPELINE_TOKEN", SECRET)
    monkeypatch.setenv("MNIST_PIPELINE_COOKIES", f"session={SECRET}")
    kfp_server.tokens = set()  # the server's answer repeats the token that it refuses
    connection: Connection = connect()
    with pytest.raises(UserError, match=r"refuses the login \(401\)") as raised:
        experiments(connection)
    assert SECRET not in str(raised.value)
    kfp_server.tokens = None
    kfp_server.fail("status", "GET", status=400)
    with pytest.raises(UserError, match=r"refuses \(400\)") as raised:
        experiments(connection)
    assert SECRET not in str(raised.value) + caplog.text + "".join(capfd.readouterr())
