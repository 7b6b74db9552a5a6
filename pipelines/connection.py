"""A connection to Kubeflow Pipelines that outlives bad moments of network and login."""

import contextlib
import io
import json
import os
import subprocess
import warnings
from collections.abc import Callable, Iterator
from operator import methodcaller
from pathlib import Path
from typing import Any, TypeVar

from google.api_core.exceptions import RetryError
from google.api_core.retry import Retry
from kfp.client import Client, ServiceAccountTokenVolumeCredentials
from kfp_server_api import ApiException, V2beta1GetHealthzResponse
from urllib3.exceptions import HTTPError

from components.errors import UserError
from pipelines.cluster_config import ClusterConfig, Login

T = TypeVar("T")

TOKEN = "MNIST_PIPELINE_TOKEN"
COOKIES = "MNIST_PIPELINE_COOKIES"
PATIENCE = 30.0

_TIMEOUTS = (10, 60)  # seconds to connect, and to wait for data
_PAGE_SIZE = 100
_TRANSIENT = {408, 429, 500, 502, 503, 504}
_FIRST_PAUSE = 0.2
_LONGEST_PAUSE = 10.0


class _Client(Client):
    """KFP's client, that does not hang, nor ask a server by itself, nor take a page for JSON."""

    def __init__(self, **options: Any) -> None:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore", FutureWarning)
            super().__init__(**options)
        self.api: Any = self._run_api.api_client
        self._send = self.api.request
        self.api.request = self._request

    def get_kfp_healthz(self, sleep_duration: int = 5) -> V2beta1GetHealthzResponse:
        """Answers the constructor, which asks whether there are namespaces: the file says it."""
        return V2beta1GetHealthzResponse(multi_user=False)

    def get_user_namespace(self) -> str:
        """Takes no notice of one that KFP has saved for this user: the file says it."""
        return ""

    @property
    def host(self) -> str:
        """The server's address, which may come from kubeconfig."""
        return str(self.api.configuration.host)

    def _request(self, *args: Any, **options: Any) -> Any:
        answer = self._send(*args, **options | {"_request_timeout": _TIMEOUTS})
        if "html" in (answer.getheader("content-type") or ""):
            raise UserError(
                f"{self.host} answers with a web page, as a login page does: see that host is the "
                "address of Kubeflow Pipelines itself, and that [login] fits."
            )
        return answer


class Connection:
    """Asks the server, and asks again where that can help."""

    def __init__(self, config: ClusterConfig, patience: float = PATIENCE) -> None:
        """Args: what ``cluster.toml`` says, and for how many seconds to ask again."""
        self.config = config
        self.patience = patience
        self._client = _connect(config)

    def call(self, request: Callable[[Any], T], found: Callable[[], T | None] | None = None) -> T:
        """Sends a request until it is answered.

        A login that has expired is renewed; a connection that breaks and a server that is out of
        order are tried again.

        Args:
            request: Calls KFP's client, which it is given.
            found: For requests that must not be done twice: looks for what an earlier try, or
                someone else, has done; None if nobody has.

        Raises:
            UserError: One sentence, if the server refuses or does not answer.
        """

        def attempt() -> T:
            try:
                return self._ask(request)
            except (ApiException, HTTPError):
                if found is not None and (existing := found()) is not None:
                    return existing
                raise

        again = Retry(_is_transient, _FIRST_PAUSE, _LONGEST_PAUSE, timeout=self.patience)
        try:
            return again(attempt)()
        except RetryError as error:
            raise self._refused(error.cause) from error
        except (ApiException, HTTPError) as error:
            raise self._refused(error) from error

    def listed(self, kind: str, **query: Any) -> Iterator[Any]:
        """Yields things of a kind, page by page.

        Args:
            kind: As KFP names them: "runs", "recurring_runs", "pipeline_versions", ...
            query: What KFP's own method that lists them takes.
        """
        query |= {"page_size": _PAGE_SIZE}
        token: str | None = ""
        while token is not None:
            page = self.call(methodcaller(f"list_{kind}", page_token=token, **query))
            yield from getattr(page, kind) or []
            token = page.next_page_token or None

    def log(self, run_id: str, pod: str) -> str | None:
        """Returns what a pod of a run printed; None if the server can't tell any more."""
        path = "/apis/v1alpha1/runs/{run_id}/nodes/{pod}/log"  # KFP's client has no method for it
        try:
            text, *_ = self._client.api.call_api(
                path,
                "GET",
                path_params={"run_id": run_id, "pod": pod},
                response_type="str",
                auth_settings=["Bearer"],
            )
        except (ApiException, HTTPError, UserError):
            return None
        return str(text)

    def _ask(self, request: Callable[[Any], T]) -> T:
        try:
            return request(self._client)
        except ApiException as error:
            if error.status != 401:
                raise
        self._client = _connect(self.config)  # the login has expired
        return request(self._client)

    def _refused(self, error: Exception | None) -> UserError:
        host = self._client.host
        if not isinstance(error, ApiException):
            return UserError(
                f"{host} does not answer: see that host in cluster.toml is right and can be "
                "reached from here."
            )
        if error.status == 401:
            return UserError(
                f"{host} refuses the login (401): log in anew, or see [login] in cluster.toml."
            )
        return UserError(f"{host} refuses ({error.status}): {self._reason(error)}")

    def _reason(self, error: ApiException) -> str:
        """What the server says, without the secret that it was sent."""
        try:
            text = str(json.loads(error.body)["message"])
        except (ValueError, TypeError, KeyError):
            text = str(error.body or error.reason)
        for secret in (*self._client.api.configuration.api_key.values(), self._client.api.cookie):
            text = text.replace(secret, "***") if secret else text
        return text.strip().split("\n")[0][:500]


def _is_transient(error: Exception) -> bool:
    return getattr(error, "status", None) in _TRANSIENT or isinstance(error, HTTPError)


def _connect(config: ClusterConfig) -> _Client:
    login = config.login
    return _Client(
        host=config.host or None,
        namespace=config.namespace or "kubeflow",
        client_id=login.client_id or None,
        kube_context=login.kube_context or None,
        ssl_ca_cert=login.ca_file or None,
        existing_token=_one_line(TOKEN, os.environ.get(TOKEN)) or _printed_token(login),
        cookies=_one_line(COOKIES, os.environ.get(COOKIES)),
        credentials=_token_file(login),
    )


def _one_line(source: str, secret: str | None) -> str | None:
    """Strips a secret; refuses one that HTTP would refuse, and show while doing so."""
    secret = (secret or "").strip()
    if not secret.isprintable():
        raise UserError(f"{source} holds more than one line; it must be the token, and no more.")
    return secret or None


def _token_file(login: Login) -> ServiceAccountTokenVolumeCredentials | None:
    if not login.token_file:
        return None
    try:
        _one_line(login.token_file, Path(login.token_file).read_text(errors="replace"))
    except OSError as error:
        raise UserError(
            f"There is no token in {login.token_file}; see [login] in cluster.toml."
        ) from error
    return ServiceAccountTokenVolumeCredentials(login.token_file)


def _printed_token(login: Login) -> str | None:
    if not login.token_command:
        return None
    program = login.token_command[0]
    try:
        done = subprocess.run(login.token_command, stdout=subprocess.PIPE, text=True, timeout=60)
    except (OSError, subprocess.TimeoutExpired) as error:
        # The error's own text may name the command's arguments.
        raise UserError(f"{program}, which prints the token, can't be run.") from error
    if done.returncode != 0 or not done.stdout.strip():
        raise UserError(f"{program} printed no token (exit status {done.returncode}).")
    return _one_line(f"What {program} prints", done.stdout)
