import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from components.notify import WEBHOOK, notice
from components.notify.notice import tell, text

LINK = "https://kubeflow.example/#/runs/details/7"
METRICS = {"accuracy": 0.98312}
PROMOTED = {"outcome": "promoted", "version": 4, "repeated": False, "reason": "better"}
KEPT = {"outcome": "kept", "version": None, "repeated": False, "reason": "p < 0.05 & worse"}


@pytest.fixture
def webhook(monkeypatch):
    """A server that keeps what it is sent; `statuses` are what it answers, 200 at the end."""
    received, statuses = [], []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            received.append(json.loads(body))
            self.send_response(statuses.pop(0) if statuses else 200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    monkeypatch.setenv(WEBHOOK, f"http://127.0.0.1:{server.server_port}/s3cr3t")
    monkeypatch.setattr(notice, "_PAUSES", (0, 0, 0))
    yield received, statuses
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def run(tmp_path):
    """A run's folder with its figures, as KFP lays it out on a cluster."""
    step = tmp_path / "run" / "promote-model" / "0f3c"
    step.mkdir(parents=True)
    (step / "metrics").write_text(json.dumps(METRICS))
    (step / "promotion").write_text(json.dumps(PROMOTED))
    return tmp_path / "run"


def test_a_success_is_told_with_its_figures(webhook, run, tmp_path):
    tell("SUCCEEDED", "", LINK, str(run), tmp_path / "copy.json")
    expected = (
        "Training succeeded; test accuracy 98.31%; promoted as version 4: better. "
        f"<{LINK}|Open the run>"
    )
    assert webhook[0] == [{"text": expected}]
    assert json.loads((tmp_path / "copy.json").read_text()) == {"text": expected}


def test_a_failure_is_told_with_its_error():
    said = text("FAILED", "train-model <failed>", LINK, {})
    assert said == f"Training failed; train-model &lt;failed&gt;. <{LINK}|Open the run>"


@pytest.mark.parametrize("promotion", [KEPT, PROMOTED | {"repeated": True}])
def test_a_model_that_was_not_promoted_now_is_not_called_promoted(promotion):
    said = text("SUCCEEDED", "", LINK, {"metrics": METRICS, "promotion": promotion})
    assert "the champion stays: " in said and "promoted as" not in said
    assert "p < " not in said


def test_a_webhook_that_stumbles_is_told_again(webhook, run, tmp_path):
    received, statuses = webhook
    statuses += [503, 500]
    tell("SUCCEEDED", "", LINK, str(run), tmp_path / "copy.json")
    assert len(received) == 3


@pytest.mark.parametrize("url", ["", "http://127.0.0.1:9/s3cr3t", "no url s3cr3t"])
def test_nothing_that_is_wrong_with_the_webhook_is_raised_or_reveals_it(
    run, tmp_path, monkeypatch, caplog, url
):
    monkeypatch.setattr(notice, "_PAUSES", (0, 0))
    monkeypatch.setenv(WEBHOOK, url)
    tell("FAILED", "", LINK, str(run), tmp_path / "copy.json")
    assert caplog.records and "s3cr3t" not in caplog.text


@pytest.mark.parametrize("uri", ["minio://mlpipeline/run", "/dev/null/run"])
def test_without_figures_the_state_is_told_all_the_same(webhook, tmp_path, uri):
    tell("SUCCEEDED", "", LINK, uri, tmp_path / "copy.json")
    assert webhook[0] == [{"text": f"Training succeeded. <{LINK}|Open the run>"}]


def test_figures_that_are_not_ours_do_not_raise(webhook, run, tmp_path):
    next(run.rglob("metrics")).write_text("[1]")
    tell("SUCCEEDED", "", LINK, str(run), tmp_path / "copy.json")
    next(run.rglob("metrics")).write_text("damaged")
    tell("SUCCEEDED", "", LINK, str(run), tmp_path / "copy.json")
    assert webhook[0] == [{"text": f"Training succeeded. <{LINK}|Open the run>"}]
