"""A proxy in front of the storage server that does what networks do on bad days."""

import contextlib
import re
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import parse_qs, unquote, urlsplit

from gcs import Emulator

Kind = Literal[
    "status",  # answer with an error status, without asking the server
    "cut request",  # hang up in the middle of the request
    "cut reply",  # hang up in the middle of the answer
    "lost reply",  # let the server do its work, then hang up
    "flip",  # change one byte of the answer
]
_HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "host"}


@dataclass(frozen=True)
class Request:
    """What is asked.

    Attributes:
        operation: ``list``, ``download``, ``upload``, ``upload part`` (the content of a large
            file, after an ``upload`` that only announces it) or ``other``.
        name: Of the object.
    """

    operation: str
    name: str


@dataclass
class Fault:
    """What goes wrong, on which requests, and how often still."""

    kind: Kind
    operation: str
    name: str = ""
    times: int = 1
    status: int = 503
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def strikes(self, request: Request) -> bool:
        """Whether this request is hit; counts it."""
        if request.operation != self.operation or not re.search(self.name, request.name):
            return False
        with self.lock:
            self.times -= 1
            return self.times >= 0


class FaultProxy:
    """Forwards to an emulator; requests that a fault strikes go wrong."""

    def __init__(self, upstream: Emulator) -> None:
        """Hooks run before and after a request is forwarded.

        One that raises ConnectionAbortedError drops the request, or the reply.

        Args:
            upstream: The server behind.
        """
        self.upstream = upstream
        self.faults: list[Fault] = []
        self.before: Callable[[Request], None] = lambda request: None
        self.after: Callable[[Request], None] = lambda request: None
        self._server = ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self})
        )
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"

    @contextlib.contextmanager
    def running(self) -> Iterator["FaultProxy"]:
        """Serves in a thread until the block ends."""
        thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def reset(self) -> None:
        """Forgets all faults and hooks."""
        self.faults = []
        self.before = self.after = lambda request: None

    def fault_for(self, request: Request) -> Fault | None:
        """The first fault that strikes a request."""
        return next((fault for fault in self.faults if fault.strikes(request)), None)


class _Handler(BaseHTTPRequestHandler):
    proxy: FaultProxy

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    wbufsize = -1  # one packet for headers and content, instead of 40 ms between them

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):  # a hook's, or one of the others hung up
            super().handle()

    def handle_any(self) -> None:
        length = int(self.headers.get("Content-Length", 0))
        body = self.rfile.read(min(length, 65536))
        request = _classify(self.command, self.path, body)
        fault = self.proxy.fault_for(request)
        if fault and fault.kind == "cut request":
            return self._hang_up()
        body += self.rfile.read(length - len(body))
        if fault and fault.kind == "status":
            return self._answer(fault.status, {}, b"a fault on purpose")
        self.proxy.before(request)
        status, headers, content = self._forward(body)
        self.proxy.after(request)
        if fault and fault.kind == "lost reply":
            return self._hang_up()
        if fault and fault.kind == "flip" and content:
            middle = len(content) // 2
            content = content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :]
        if fault and fault.kind == "cut reply":
            return self._answer(status, headers, content, len(content) // 2)
        return self._answer(status, headers, content)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any  # noqa: N815

    def _forward(self, body: bytes) -> tuple[int, dict[str, str], bytes]:
        connection = HTTPConnection(self.proxy.upstream.host, self.proxy.upstream.port)
        headers = {k: v for k, v in self.headers.items() if k.lower() not in _HOP_BY_HOP}
        connection.request(self.command, self.path, body, headers)
        response = connection.getresponse()
        content = response.read()
        connection.close()
        if response.headers.get_content_type() == "application/json":
            content = content.replace(self.proxy.upstream.url.encode(), self.proxy.url.encode())
        ours = {
            k: v.replace(self.proxy.upstream.url, self.proxy.url)
            for k, v in response.headers.items()
            if k.lower() not in _HOP_BY_HOP
        }
        return response.status, ours, content

    def _answer(
        self, status: int, headers: dict[str, str], content: bytes, sent: int | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content[:sent])
        if sent is not None:
            self._hang_up()

    def _hang_up(self) -> None:
        self.wfile.flush()
        self.close_connection = True

    def log_message(self, *args: object) -> None:
        """Says nothing."""


def _classify(method: str, path: str, body: bytes) -> Request:
    url = urlsplit(path)
    if method == "POST" and url.path.startswith("/upload/"):
        match = re.search(rb'"name": ?"([^"]*)"', body)
        return Request("upload", match[1].decode() if match else "")
    if method == "PUT" and url.path.startswith("/upload/"):
        return Request("upload part", parse_qs(url.query).get("name", [""])[0])
    if method == "GET" and "alt=media" in url.query:
        return Request("download", unquote(url.path.rpartition("/o/")[2]))
    if method == "GET" and url.path.endswith("/o"):
        return Request("list", "")
    return Request("other", unquote(url.path))
