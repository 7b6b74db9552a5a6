"""A Kubeflow Pipelines API server on this machine: v2beta1 over HTTP, strict, and with bad days."""

import contextlib
import email
import email.policy
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import yaml
from kfp_state import KfpServer, Refusal, checked, found, require


class Api:
    """What the server does with each request; a method for each operation."""

    def __init__(self, server: KfpServer) -> None:
        self.state = server

    def create_experiment(self, body: dict) -> dict:
        checked(body, "V2beta1Experiment")
        names = {each["display_name"] for each in self.state.experiments.values()}
        if body["display_name"] in names:
            raise Refusal(409, f"experiment {body['display_name']} already exists")
        return self.state.new(self.state.experiments, "experiment_id", body)

    def create_pipeline(self, body: dict) -> dict:
        checked(body, "V2beta1Pipeline")
        if body["name"] in {each["name"] for each in self.state.pipelines.values()}:
            raise Refusal(409, f"pipeline {body['name']} already exists")
        return self.state.new(self.state.pipelines, "pipeline_id", body)

    def upload_version(self, name: str, pipelineid: str, content: bytes) -> dict:
        found(self.state.pipelines, pipelineid)
        documents = list(yaml.safe_load_all(content))
        require("pipelineInfo" in documents[0], "no pipeline")
        siblings = [v for v in self.state.versions.values() if v["pipeline_id"] == pipelineid]
        if name in {version["display_name"] for version in siblings}:
            raise Refusal(409, f"version {name} already exists")
        spec = {"pipeline_spec": documents[0], "platform_spec": documents[1:]}
        body = {"pipeline_id": pipelineid, "display_name": name, "name": name}
        body["pipeline_spec"] = spec
        return self.state.new(self.state.versions, "pipeline_version_id", body)

    def create_run(self, body: dict) -> dict:
        checked(body, "V2beta1Run")
        self._check_source(body)
        run = self.state.new(self.state.runs, "run_id", body | {"state": "PENDING"})
        self.state.on_run(run)
        return run

    def create_recurring_run(self, body: dict) -> dict:
        checked(body, "V2beta1RecurringRun")
        self._check_source(body)
        require(1 <= int(body["max_concurrency"]) <= 10, "max_concurrency is not from 1 to 10")
        require(len(body["trigger"]["cron_schedule"]["cron"].split()) in {5, 6}, "bad cron")
        filled = {"service_account": "pipeline-runner", **body}
        created = self.state.new(self.state.recurring, "recurring_run_id", filled)
        self.state.count_enabled()
        return created

    def set_mode(self, identity: str, mode: str) -> dict:
        found(self.state.recurring, identity)["mode"] = mode
        self.state.count_enabled()
        return {}

    def _check_source(self, body: dict) -> None:
        found(self.state.experiments, body["experiment_id"])
        reference = body["pipeline_version_reference"]
        found(self.state.pipelines, reference["pipeline_id"])
        if version := reference.get("pipeline_version_id"):
            found(self.state.versions, version)

    def listing(self, table: dict[str, dict], query: dict[str, str], key: str, kind: str) -> dict:
        """A page of a list: filtered, sorted by age, with a token for the next page."""
        known = {"page_token", "page_size", "sort_by", "filter", "namespace"}
        known |= {"experiment_id", "pipeline_id"}
        require(query.keys() <= known, f"unknown parameters {query.keys() - known}")
        items = [item for item in table.values() if self._fits(item, query)]
        if query.get("sort_by") == "created_at desc":
            items.reverse()
        start = int(query.get("page_token") or 0)
        end = start + min(int(query.get("page_size") or 10), self.state.page_size)
        token = {"next_page_token": str(end)} if end < len(items) else {}
        answer = {key: items[start:end], "total_size": len(items), **token}
        return checked(answer, kind)

    def _fits(self, item: dict, query: dict[str, str]) -> bool:
        names = {"experiment_id", "pipeline_id"} & query.keys()
        if any(item[name] != query[name] for name in names):
            return False
        predicates = json.loads(query.get("filter") or "{}").get("predicates", [])
        for predicate in predicates:
            require(predicate.keys() == {"operation", "key", "stringValue"}, str(predicate))
            require(predicate["operation"] == "EQUALS", str(predicate))
            # MySQL, as KFP sets it up, takes upper and lower case for the same.
            if item[predicate["key"]].lower() != predicate["stringValue"].lower():
                return False
        return True


def route(api: Api, method: str, path: str, query: dict[str, str], body: Any) -> Any:
    """Finds and does what a request asks for; the log of a pod is text, all else is JSON."""
    state, parts = api.state, path.strip("/").split("/")
    match method, *parts:
        case "GET", "apis", "v1alpha1", "runs", run, "nodes", pod, "log":
            found(state.runs, run)
            if pod not in state.logs:
                raise Refusal(500, f"pods {pod} not found")
            return state.logs[pod]
        case "POST", "apis", "v2beta1", "experiments":
            return api.create_experiment(body)
        case "GET", "apis", "v2beta1", "experiments":
            table = state.experiments
            return api.listing(table, query, "experiments", "V2beta1ListExperimentsResponse")
        case "POST", "apis", "v2beta1", "pipelines":
            return api.create_pipeline(body)
        case "GET", "apis", "v2beta1", "pipelines":
            table = state.pipelines
            return api.listing(table, query, "pipelines", "V2beta1ListPipelinesResponse")
        case "POST", "apis", "v2beta1", "pipelines", "upload_version":
            return api.upload_version(query["name"], query["pipelineid"], body)
        case "GET", "apis", "v2beta1", "pipelines", pipeline, "versions":
            query = query | {"pipeline_id": pipeline}
            kind = "V2beta1ListPipelineVersionsResponse"
            return api.listing(state.versions, query, "pipeline_versions", kind)
        case "POST", "apis", "v2beta1", "runs":
            return api.create_run(body)
        case "GET", "apis", "v2beta1", "runs":
            return api.listing(state.runs, query, "runs", "V2beta1ListRunsResponse")
        case "GET", "apis", "v2beta1", "runs", run:
            return checked(state.show(found(state.runs, run)), "V2beta1Run")
        case "POST", "apis", "v2beta1", "recurringruns":
            return api.create_recurring_run(body)
        case "GET", "apis", "v2beta1", "recurringruns":
            kind = "V2beta1ListRecurringRunsResponse"
            return api.listing(state.recurring, query, "recurringRuns", kind)
        case "DELETE", "apis", "v2beta1", "recurringruns", run:
            found(state.recurring, run)
            del state.recurring[run]
            return {}
        case "POST", "apis", "v2beta1", "recurringruns", run if run.endswith(":enable"):
            return api.set_mode(run.removesuffix(":enable"), "ENABLE")
    raise Refusal(404, f"there is no {method} {path}")


class _Handler(BaseHTTPRequestHandler):
    state: KfpServer

    def do_GET(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def do_DELETE(self) -> None:
        self._answer()

    def _answer(self) -> None:
        line = f"{self.command} {self.path.removeprefix('/apis/v2beta1')}"
        data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        with self.state.lock:
            self.state.requests.append(line)
            self.state.headers.append(dict(self.headers))
            fault = self.state.strike(line)
        if fault and fault.kind == "cut":
            return self._hang_up()
        if fault and fault.kind == "page":
            return self._send(200, b"<html>Log in</html>", "text/html")
        try:
            if fault and fault.kind == "status":
                raise Refusal(fault.status, f"a bad day for {self.headers['authorization']}")
            self._check_login()
            with self.state.lock:
                answer = self._route(data)
        except Refusal as refusal:
            message = json.dumps({"error": str(refusal), "code": 3, "message": str(refusal)})
            return self._send(refusal.status, message.encode(), "application/json")
        if fault and fault.kind == "lost":
            return self._hang_up()
        if isinstance(answer, str):
            return self._send(200, answer.encode(), "text/plain")
        return self._send(200, json.dumps(answer).encode(), "application/json")

    def _route(self, data: bytes) -> Any:
        url = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(url.query).items()}
        form = self.headers.get("Content-Type", "").startswith("multipart/")
        body = self._file(data) if form else json.loads(data or b"null")
        return route(Api(self.state), self.command, unquote(url.path), query, body)

    def _file(self, data: bytes) -> bytes:
        head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
        (part,) = email.message_from_bytes(head + data, policy=email.policy.HTTP).iter_parts()
        return part.get_payload(decode=True)

    def _check_login(self) -> None:
        token = (self.headers.get("authorization") or "").removeprefix("Bearer ")
        if self.state.tokens is not None and token not in self.state.tokens:
            raise Refusal(401, f"the token {token} is not valid")

    def _hang_up(self) -> None:
        self.close_connection = True
        with contextlib.suppress(OSError):
            self.connection.shutdown(2)

    def _send(self, status: int, data: bytes, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *args: Any) -> None:
        """Tests look at `requests` instead."""


@contextlib.contextmanager
def running() -> Iterator[KfpServer]:
    """Serves on a free port of this machine."""
    state = KfpServer()
    handler = type("Handler", (_Handler,), {"state": state})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield state
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
