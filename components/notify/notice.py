"""How a run ended, in a sentence or two, sent to a webhook such as Slack's."""

import logging
import os
import time
from pathlib import Path
from typing import Any

import requests

from components.errors import UserError
from components.files import write_json
from components.notify import WEBHOOK
from components.notify.figures import read_figures

log = logging.getLogger(__name__)

_PAUSES = (1.0, 5.0, 0.0)  # seconds after each try that failed
_TIMEOUT = 10.0
_LONGEST_ERROR = 500


def tell(state: str, error: str, link: str, run_uri: str, copy: Path) -> None:
    """Says how a run ended. Never raises: a notice must not make a run fail.

    Args:
        state: As KFP names it: "SUCCEEDED", "FAILED" or "CANCELLED".
        error: What KFP says of a failure; may be empty.
        link: Where people see the run.
        run_uri: The run's folder, in which the figures are looked for.
        copy: Where to keep what was sent.
    """
    try:
        document = {"text": text(state, error, link, _figures(run_uri))}
        write_json(copy, document)
        _send(document)
    except Exception:
        log.exception("The notice could not be made")


def text(state: str, error: str, link: str, figures: dict[str, Any]) -> str:
    """Says it in words, with Slack's markup, which other services show as it is."""
    sentences = [f"Training {state.lower()}"]
    if metrics := figures.get("metrics"):
        sentences.append(f"test accuracy {metrics['accuracy']:.2%}")
    if promotion := figures.get("promotion"):
        version = promotion["version"]
        promoted = promotion["outcome"] == "promoted" and not promotion["repeated"]
        done = f"promoted as version {version}" if promoted else "the champion stays"
        sentences.append(f"{done}: {promotion['reason']}")
    if error:
        sentences.append(error[:_LONGEST_ERROR])
    where = f"<{link}|Open the run>" if link.startswith("http") else link
    return f"{_plain('; '.join(sentences))}. {where}"


def _figures(run_uri: str) -> dict[str, Any]:
    try:
        return read_figures(run_uri)
    except UserError as error:
        log.warning("No figures: %s", error)
        return {}


def _send(document: dict[str, str]) -> None:
    url = os.environ.get(WEBHOOK)
    if not url:
        log.warning("%s is not set: nobody is told", WEBHOOK)
        return
    for pause in _PAUSES:
        try:
            requests.post(url, json=document, timeout=_TIMEOUT).raise_for_status()
            return
        except requests.RequestException as error:
            # The error's own text may hold the URL, and so the secret.
            status = error.response.status_code if error.response is not None else "no answer"
            log.warning("The webhook did not take the notice (%s)", status)
            time.sleep(pause)


def _plain(words: str) -> str:
    """Escapes what Slack would take for markup."""
    return words.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
