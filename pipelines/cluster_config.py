"""``cluster.toml``: which cluster, and what differs there."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from components import images
from components.errors import UserError
from components.promote.policy import Policy
from components.train.recipe import DEFAULT_RECIPE, resolve
from pipelines.config import STEPS, PipelineConfig
from pipelines.placement import Placement, Secret, Toleration
from pipelines.toml_table import Table, read

ALL_STEPS = "all"

_BUCKET = r"gs://[a-z0-9][\w.-]+(/.*)?"
_BUCKET_EXAMPLE = "gs://bucket/prefix"
_ROOT = r"(gs|s3|minio)://[^/\s]+(/.*)?"
_CPU = r"\d+(\.\d+)?|\d+m"
_MEMORY = r"\d+(\.\d+)?([EPTGMK]i?)?"
_DURATION = r"\d+[smh]"
_SECONDS = {"s": 1, "m": 60, "h": 3600}


@dataclass(frozen=True)
class Login:
    """How to get past the cluster's door; all empty: as a pod, or through kubeconfig.

    Attributes:
        token_file: File with a bearer token, read anew for every request.
        token_command: Program that prints a bearer token; it runs again when a token expires.
        client_id: OAuth client id of the Identity-Aware Proxy.
        kube_context: Context of kubeconfig, where there is no host.
        ca_file: Certificates that vouch for the host.
    """

    token_file: str = ""
    token_command: tuple[str, ...] = ()
    client_id: str = ""
    kube_context: str = ""
    ca_file: str = ""


@dataclass(frozen=True)
class ClusterConfig:
    """What ``cluster.toml`` says, checked.

    Attributes:
        host: URL of Kubeflow Pipelines; empty inside the cluster and with kubeconfig.
        namespace: Namespace of a multi-user installation; empty where there is one for all.
        experiment: Name that runs are filed under.
        service_account: Kubernetes account that steps run as; empty for the cluster's default.
        pipeline_root: Where artifacts go; empty for the cluster's default.
        login: How to authenticate.
        pipeline: What is fixed in the graph.
        parameters: What the pipeline is called with.
    """

    host: str
    namespace: str
    experiment: str
    service_account: str
    pipeline_root: str
    login: Login
    pipeline: PipelineConfig
    parameters: Mapping[str, Any]


def load(path: Path, flags: Mapping[str, Any]) -> ClusterConfig:
    """Reads and checks a file.

    Args:
        path: The file.
        flags: Top-level keys that win over the file.

    Raises:
        UserError: One sentence with the line: a key is unknown or of the wrong type, a URI or
            a quantity is malformed, or an image has a tag that moves.
    """
    table = read(path, flags)
    config = ClusterConfig(
        host=table.match("host", r"https?://[^\s/]+(/\S*)?", "'https://kubeflow.example'"),
        namespace=table.text("namespace"),
        experiment=table.text("experiment", "mnist-training"),
        service_account=table.text("service_account"),
        pipeline_root=table.match("pipeline_root", _ROOT, f"'{_BUCKET_EXAMPLE}'"),
        login=_login(table.table("login")),
        pipeline=_pipeline(table),
        parameters=_parameters(table),
    )
    table.finish()
    return config


def _login(table: Table) -> Login:
    ways = ("token_file", "token_command", "client_id", "kube_context")
    login = Login(
        token_file=table.text("token_file"),
        token_command=tuple(table.words("token_command")),
        client_id=table.text("client_id"),
        kube_context=table.text("kube_context"),
        ca_file=table.text("ca_file"),
    )
    table.finish()
    given = [way for way in ways if getattr(login, way)]
    if len(given) > 1:
        table.refuse(given[1], f"stands beside {given[0]}; there is one way to log in at a time.")
    return login


def _parameters(table: Table) -> dict[str, Any]:
    recipe, overrides = table.text("recipe", DEFAULT_RECIPE), table.table("overrides")
    try:
        resolve(recipe, overrides.values)
    except UserError as error:
        table.refuse("overrides" if overrides.values else "recipe", f"can't be used: {error}")
    return {
        "data": table.match("data", _BUCKET, f"'mnist' or '{_BUCKET_EXAMPLE}'", default="mnist"),
        "recipe": recipe,
        "overrides": overrides.values,
        "seed": table.whole("seed"),
        "store": table.match("store", _BUCKET, f"'{_BUCKET_EXAMPLE}'"),
        "name": table.match("name", r"[A-Za-z0-9][\w-]*", "'mnist'", default="mnist"),
        **_policy(table),
    }


def _policy(table: Table) -> dict[str, Any]:
    inner = table.table("promotion")
    default = Policy()
    try:
        policy = Policy(
            inner.number("min_accuracy", default.min_accuracy),
            inner.number("significance", default.significance),
            inner.flag("require_improvement", default.require_improvement),
        )
    except UserError as error:
        table.refuse("promotion", f"can't be used: {error}")
    inner.finish()
    return asdict(policy)


def _pipeline(table: Table) -> PipelineConfig:
    placements = _placements(table.table("steps"))
    on_gpu = placements["train-model"].gpu_count > 0
    digests = table.texts("digests")
    registry, tag = table.text("registry"), table.text("tag")
    if not registry:
        table.refuse("registry", "is missing; name where the images are, without https://.")
    try:
        names = images.references(registry, tag, digests)
    except UserError as error:
        table.refuse("digests" if digests else "tag", f"can't be used: {error}")
    train = f"{names.train}-cuda" if on_gpu and "train" not in digests else names.train
    return PipelineConfig(
        data_prep_image=names.data_prep,
        train_image=train,
        evaluate_image=names.evaluate,
        caching=table.flag("cache", True),
        placements=placements,
    )


def _placements(table: Table) -> dict[str, Placement]:
    """What each step asks for; what it does not say, ``[steps.all]`` says."""
    default = _placement(table.table(ALL_STEPS), Placement(backoff=60))
    placements = {step: _placement(table.table(step), default) for step in STEPS}
    table.finish()
    return placements


def _placement(table: Table, default: Placement) -> Placement:
    placement = replace(
        default,
        cpu=table.match("cpu", _CPU, "'2' or '500m'", default.cpu),
        memory=table.match("memory", _MEMORY, "'4Gi'", default.memory),
        gpu=table.text("gpu", default.gpu),
        gpu_count=table.whole("gpu_count", default.gpu_count),
        timeout=_seconds(table, "timeout", default.timeout),
        retries=table.whole("retries", default.retries),
        backoff=_seconds(table, "backoff", default.backoff),
        node_selector=tuple(table.texts("node_selector").items()) or default.node_selector,
        tolerations=_tolerations(table) or default.tolerations,
        secrets=_secrets(table) or default.secrets,
    )
    table.finish()
    return placement


def _seconds(table: Table, key: str, default: int) -> int:
    text = table.match(key, _DURATION, "'90s', '30m' or '2h'")
    return int(text[:-1]) * _SECONDS[text[-1]] if text else default


def _tolerations(table: Table) -> tuple[Toleration, ...]:
    taints = []
    for inner in table.tables("tolerations"):
        taints.append(
            Toleration(
                inner.text("key"),
                inner.one_of("operator", "Equal", "Exists"),
                inner.text("value"),
                inner.one_of("effect", "", "NoSchedule", "PreferNoSchedule", "NoExecute"),
            )
        )
        inner.finish()
    return tuple(taints)


def _secrets(table: Table) -> tuple[Secret, ...]:
    secrets = []
    for inner in table.tables("secrets"):
        names = {name: inner.text(name) for name in ("name", "key", "env")}
        inner.finish()
        if missing := [name for name, text in names.items() if not text]:
            inner.refuse(missing[0], "is missing; a secret has name, key and env.")
        secrets.append(Secret(**names))
    return tuple(secrets)
