"""A headless Chromium, driven by its DevTools protocol: `from chromium import browser`."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import websocket

EXECUTABLE = shutil.which("chromium") or shutil.which("chromium-browser")

_SECONDS_TO_START = 30


class Browser:
    """The tab of a running Chromium."""

    def __init__(self, connection: websocket.WebSocket) -> None:
        self._connection = connection
        self._calls = 0
        self._events: list[dict[str, Any]] = []
        for domain in ("Page", "Network", "Log"):
            self.call(f"{domain}.enable")

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Calls a method of the protocol and waits for its result."""
        self._calls += 1
        self._connection.send(
            json.dumps({"id": self._calls, "method": method, "params": parameters})
        )
        while (answer := self._receive()).get("id") != self._calls:
            pass
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def open(self, page: Path, width: int, scheme: str) -> None:
        """Loads a file at a width in CSS pixels, in the "light" or the "dark" colour scheme."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.call("Emulation.setEmulatedMedia", features=[feature])
        self._events.clear()
        self.call("Page.navigate", url=page.resolve().as_uri())
        while not self.happened("Page.loadEventFired"):
            self._receive()

    def happened(self, method: str) -> list[dict[str, Any]]:
        """The parameters of all events of one kind since the last `open`."""
        return [event["params"] for event in self._events if event["method"] == method]

    def evaluate(self, expression: str) -> Any:
        """Evaluates JavaScript in the page and returns its value."""
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(answer["exceptionDetails"]["exception"]["description"])
        return answer["result"].get("value")

    def screenshot(self, path: Path) -> None:
        """Saves a picture of the whole page, not only of what is in view."""
        size = self.call("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        answer = self.call("Page.captureScreenshot", clip=clip, captureBeyondViewport=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(answer["data"]))

    def _receive(self) -> dict[str, Any]:
        message = json.loads(self._connection.recv())
        if "method" in message:
            self._events.append(message)
        return message


@contextmanager
def browser() -> Iterator[Browser]:
    """Starts Chromium with an empty profile, and ends it."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        process = _start(profile)
        try:
            connection = websocket.create_connection(
                _address_of_tab(Path(profile)), timeout=60, suppress_origin=True
            )
            yield Browser(connection)
            connection.close()
        finally:
            process.kill()
            process.wait()


def _start(profile: str) -> subprocess.Popen[bytes]:
    assert EXECUTABLE
    options = ["--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}"]
    options += ["--hide-scrollbars", "--disable-gpu", "--disable-dev-shm-usage"]
    if os.geteuid() == 0:
        options.append("--no-sandbox")  # Chromium's own sandbox refuses to work for root
    command = [EXECUTABLE, *options, "about:blank"]
    return subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def _address_of_tab(profile: Path) -> str:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline:
        try:
            port = (profile / "DevToolsActivePort").read_text().splitlines()[0]
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/json/list") as answer:
                tabs = [each for each in json.load(answer) if each["type"] == "page"]
            return tabs[0]["webSocketDebuggerUrl"]
        except (OSError, IndexError):
            time.sleep(0.05)
    raise TimeoutError(f"Chromium did not start within {_SECONDS_TO_START} s")
