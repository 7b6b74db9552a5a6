"""Real processes that do a piece of work and can be killed at a chosen moment of it.

They come from a fork server that has imported what they need, so each starts in milliseconds.
"""

import contextlib
import multiprocessing.connection
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from fault_proxy import FaultProxy, Request

from components.data_prep.prepare import prepare
from components.data_prep.sources import fingerprint
from components.errors import UserError
from components.promote.model_store import ModelStore
from components.promote.policy import Policy
from components.promote.promotion import promote

context = multiprocessing.get_context("forkserver")
context.set_forkserver_preload(
    ["components.data_prep.prepare", "components.gcs", "components.promote.promotion", "h5py"]
)

_ON_FILES = {"open", "os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir"}


def do_promote(uri: str, model: Path, evaluation: Path) -> tuple[str, int | None]:
    """Promotes a model; returns the outcome, or the error that told it, and its version."""
    try:
        result = promote(model, evaluation, ModelStore(uri, "digits"), Policy())
    except UserError as error:
        return type(error).__name__, None
    return result.outcome, result.version


def do_prepare(uri: str, output: Path) -> None:
    """Prepares a dataset of 5 validation images."""
    prepare(uri, fingerprint(uri), 5, 0, output)


def moments_on_disk(folder: Path, work: Callable[..., Any], *args: Any) -> list[str]:
    """What the work does to files in a folder, one path an operation, undisturbed."""
    reader, writer = context.Pipe(duplex=False)
    _run(context.Process(target=_list_moments, args=(writer, str(folder), work, args)), 0)
    return reader.recv()


def killed_on_disk(folder: Path, moment: int, work: Callable[..., Any], *args: Any) -> None:
    """Kills the work right before its operation of this number on files in a folder."""
    process = context.Process(target=_kill_at, args=(str(folder), moment, work, args))
    _run(process, -signal.SIGKILL)


def moments_of_requests(proxy: FaultProxy, work: Callable[..., Any], *args: Any) -> list[str]:
    """What the work asks of the server: names of objects, empty for listings; undisturbed."""
    names: list[str] = []
    proxy.before = lambda request: (
        None if request.operation == "other" else names.append(request.name)
    )
    _run(context.Process(target=_reach, args=(proxy.url, work, args)), 0)
    proxy.reset()
    return names


def killed_at_request(
    proxy: FaultProxy, moment: int, before: bool, work: Callable[..., Any], *args: Any
) -> None:
    """Kills the work at its request of this number, before the server hears it or after."""
    process = context.Process(target=_reach, args=(proxy.url, work, args))
    started, lock, seen = threading.Event(), threading.Lock(), 0

    def strike(request: Request) -> None:
        nonlocal seen
        if request.operation == "other":  # the client asks for its own sake, at any time
            return
        started.wait()
        with lock:
            seen += 1
            if seen == moment + 1:
                process.kill()
                multiprocessing.connection.wait([process.sentinel])
        if before and seen > moment:
            raise ConnectionAbortedError

    setattr(proxy, "before" if before else "after", strike)
    _run(process, -signal.SIGKILL, started)
    proxy.reset()


@contextlib.contextmanager
def racers(count: int, url: str) -> Iterator[Callable[..., list[Any]]]:
    """Processes that begin a piece of work each, at the same moment, as often as asked."""
    with context.Pool(count, _line_up, (context.Barrier(count), url)) as pool:
        yield lambda work, jobs: pool.starmap(_start_together, [(work, *job) for job in jobs], 1)


def reach(url: str) -> None:
    """Sends this process's clients to a server, and lets them try again soon."""
    from components import gcs

    os.environ["STORAGE_EMULATOR_HOST"] = url
    gcs._RETRY = gcs._RETRY.with_delay(initial=0.01, maximum=0.05)


def _run(process: Any, expected: int, started: threading.Event | None = None) -> None:
    process.start()
    if started:
        started.set()
    process.join(120)
    assert process.exitcode == expected, f"the child ended with {process.exitcode}"


def _reach(url: str, work: Callable[..., Any], args: tuple[Any, ...]) -> None:
    reach(url)
    work(*args)


def _line_up(barrier: Any, url: str) -> None:
    global _barrier
    _barrier = barrier
    reach(url)


def _start_together(work: Callable[..., Any], *args: Any) -> Any:
    _barrier.wait(60)
    return work(*args)


def _list_moments(writer: Any, folder: str, work: Callable[..., Any], args: tuple) -> None:
    paths: list[str] = []
    _watch(folder, paths.append)
    work(*args)
    writer.send(list(paths))


def _kill_at(folder: str, moment: int, work: Callable[..., Any], args: tuple) -> None:
    paths: list[str] = []

    def count(path: str) -> None:
        if len(paths) == moment:
            os.kill(os.getpid(), signal.SIGKILL)
        paths.append(path)

    _watch(folder, count)
    work(*args)


def _watch(folder: str, notice: Callable[[str], None]) -> None:
    """Calls back before every operation on a path in a folder, with its target."""

    def hook(event: str, args: tuple[Any, ...]) -> None:
        if event in _ON_FILES:
            path = str(args[1] if event in {"os.link", "os.rename"} else args[0])
            if path.startswith(folder):
                notice(path)

    sys.addaudithook(hook)
