"""What differs between the places where the pipeline runs."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Any

from components.images import DATA_PREP, EVALUATE, TRAIN, References
from pipelines.toml_file import Form

_BUILT_HERE = References(DATA_PREP, TRAIN, EVALUATE)
STEPS = (
    "snapshot-source",
    "prepare-dataset",
    "visualize-dataset",
    "train-model",
    "evaluate-model",
    "promote-model",
)

Cpu = Annotated[str, Form(r"\d+(\.\d+)?|\d+m", "'2' or '500m'")]
Memory = Annotated[str, Form(r"\d+(\.\d+)?([EPTGMK]i?)?", "'4Gi'")]
Operator = Annotated[str, Form("Equal|Exists", "'Equal' or 'Exists'")]
Effect = Annotated[str, Form("(PreferNo|No)Schedule|NoExecute", "'NoSchedule'")]
Duration = Annotated[str, Form(r"\d+[smh]", "'90s', '30m' or '2h'")]


def seconds(duration: str) -> int:
    """Returns the seconds of a duration such as "90s", "30m" or "2h"."""
    return int(duration[:-1]) * {"s": 1, "m": 60, "h": 3600}[duration[-1]]


@dataclass(frozen=True)
class Toleration:
    """A taint that a step puts up with, as Kubernetes defines it."""

    key: str = ""
    operator: Operator = "Equal"
    value: str = ""
    effect: Effect = ""


@dataclass(frozen=True)
class Secret:
    """One key of a Kubernetes secret, as an environment variable.

    Unless it is optional, a step whose secret is missing does not start.
    """

    name: str
    key: str
    env: str
    optional: bool = False


@dataclass(frozen=True)
class Placement:
    """What one step asks of a cluster; what is empty or 0 is left to the cluster.

    CPUs and memory are as Kubernetes writes them. The timeout is that of one attempt, and the
    backoff the time before the first retry: each further one waits twice as long.
    """

    cpu: Cpu = ""
    memory: Memory = ""
    gpu: str = "nvidia.com/gpu"
    gpu_count: int = 0
    node_selector: dict[str, str] = field(default_factory=dict)
    tolerations: tuple[Toleration, ...] = ()
    timeout: Duration = ""
    retries: int = 0
    backoff: Duration = "60s"
    secrets: tuple[Secret, ...] = ()


@dataclass(frozen=True)
class PipelineConfig:
    """Settings that are fixed when the graph is built.

    Attributes:
        images: What the steps run in; `promote_model` in the image of `evaluate_model`.
        caching: Whether steps may be reused from earlier runs; two of them never are.
        placements: What steps ask of a cluster, by their names in `STEPS`; the local runner
            takes no notice of it.
        webhook: Which secret's key holds the URL that is told how a run ended; None for nobody.
        runs: Where people see a run, for that notice: its id comes behind.
    """

    images: References = _BUILT_HERE
    caching: bool = True
    placements: Mapping[str, Placement] = field(default_factory=dict)
    webhook: Secret | None = None
    runs: str = ""


def place(task: Any, placement: Placement) -> None:
    """Sets on a KFP task what a placement asks for."""
    _set_resources(task, placement)
    if placement.retries:
        task.set_retry(placement.retries, f"{seconds(placement.backoff)}s", backoff_factor=2.0)
    if placement != Placement():
        _set_pod(task, placement)


def _set_resources(task: Any, placement: Placement) -> None:
    if placement.cpu:
        task.set_cpu_request(placement.cpu).set_cpu_limit(placement.cpu)
    if placement.memory:
        task.set_memory_request(placement.memory).set_memory_limit(placement.memory)
    if placement.gpu_count:
        task.set_accelerator_type(placement.gpu).set_accelerator_limit(placement.gpu_count)


def _set_pod(task: Any, placement: Placement) -> None:
    """Sets what KFP passes on in the Kubernetes platform document."""
    from kfp import kubernetes  # not in the images, and local runs need none

    for label, value in placement.node_selector.items():
        kubernetes.add_node_selector(task, label, value)
    for taint in placement.tolerations:
        kubernetes.add_toleration(
            task, taint.key or None, taint.operator, taint.value or None, taint.effect or None
        )
    for secret in placement.secrets:
        kubernetes.use_secret_as_env(
            task, secret.name, {secret.key: secret.env}, optional=secret.optional
        )
    if placement.timeout:
        kubernetes.set_timeout(task, seconds(placement.timeout))
