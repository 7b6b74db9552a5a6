"""``cluster.toml``: which cluster, and what differs there."""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from components import images
from components.errors import UserError
from components.notify import WEBHOOK
from components.promote.policy import Policy
from components.train.recipe import DEFAULT_RECIPE, check_seed, resolve
from pipelines.config import STEPS, PipelineConfig, Placement, Secret
from pipelines.toml_file import Form, TomlFile, read

ALL_STEPS = "all"

_BUCKET = r"gs://[a-z0-9][\w.-]+(/.*)?"
_BUCKET_EXAMPLE = "'gs://bucket/prefix'"


@dataclass(frozen=True)
class Login:
    """How to get past the cluster's door; all empty: as a pod, or through kubeconfig.

    The token's file is read anew for every request; its program runs again when a token expires.
    """

    token_file: str = ""
    token_command: tuple[str, ...] = ()
    client_id: str = ""
    kube_context: str = ""
    ca_file: str = ""

    def __post_init__(self) -> None:
        ways = ("token_file", "token_command", "client_id", "kube_context")
        given = [way for way in ways if getattr(self, way)]
        if len(given) > 1:
            raise UserError(f"{given[1]} stands beside {given[0]}; there is one way at a time.")


@dataclass(frozen=True)
class Notify:
    """Which key of which Kubernetes secret holds the webhook's URL; no secret, no notice."""

    secret: str = ""
    key: str = "url"


@dataclass(frozen=True, kw_only=True)
class ClusterConfig:
    """What ``cluster.toml`` says; the keys are explained in the file that ``init`` writes.

    What is empty is left to the cluster, and without a store nothing is promoted. `load` gives
    every step its placement.
    """

    registry: Annotated[str, Form(r"[\w.-]+(:\d+)?(/[\w.-]+)*", "'registry.example/team'")]
    host: Annotated[str, Form(r"https?://[^\s/]+(/\S*)?", "'https://kubeflow.example'")] = ""
    namespace: str = ""
    experiment: str = "mnist-training"
    service_account: str = ""
    pipeline_root: Annotated[str, Form(r"(gs|s3|minio)://[^/\s]+(/.*)?", _BUCKET_EXAMPLE)] = ""
    timezone: str = "UTC"
    tag: str = ""
    digests: dict[str, str] = field(default_factory=dict)
    data: Annotated[str, Form(_BUCKET, f"'mnist' or {_BUCKET_EXAMPLE}")] = "mnist"
    store: Annotated[str, Form(_BUCKET, _BUCKET_EXAMPLE)] = ""
    model: Annotated[str, Form(r"[A-Za-z0-9][\w-]*", "'mnist'")] = "mnist"
    recipe: str = DEFAULT_RECIPE
    overrides: dict[str, Any] = field(default_factory=dict)
    seed: int = 0
    cache: bool = True
    promotion: Policy = field(default_factory=Policy)
    login: Login = field(default_factory=Login)
    notify: Notify = field(default_factory=Notify)
    steps: dict[str, Placement] = field(default_factory=dict)

    @property
    def parameters(self) -> dict[str, Any]:
        """What the pipeline is called with."""
        names = ("data", "recipe", "overrides", "seed", "store")
        values = {name: getattr(self, name) for name in names}
        # Beside the runs, so that a repeated attempt and the next night's run find them.
        in_bucket = self.pipeline_root.startswith("gs://")
        checkpoints = f"{self.pipeline_root.rstrip('/')}/checkpoints" if in_bucket else ""
        return {
            **values,
            "name": self.model,
            "checkpoints": checkpoints,
            **asdict(self.promotion),
        }

    def link(self, kind: str, identity: str) -> str:
        """Returns the address of a page of the user interface, or what to look for there."""
        if not self.host:
            return f"{kind} {identity}"
        return f"{self.host.rstrip('/')}/#/{kind}/details/{identity}"

    @property
    def pipeline(self) -> PipelineConfig:
        """What is fixed in the graph."""
        names = images.references(self.registry, self.tag, self.digests)
        if self.steps["train-model"].gpu_count and "train" not in self.digests:
            names = names._replace(train=f"{names.train}-cuda")
        secret = self.notify.secret
        return PipelineConfig(
            images=names,
            caching=self.cache,
            placements=self.steps,
            webhook=Secret(secret, self.notify.key, WEBHOOK, optional=True) if secret else None,
            runs=self.link("runs", ""),
        )


def load(path: Path, flags: Mapping[str, Any]) -> ClusterConfig:
    """Reads and checks a file.

    Args:
        path: The file.
        flags: Top-level keys that win over the file.

    Raises:
        UserError: One sentence with the line: a key is unknown or of the wrong type, a URI or
            a quantity is malformed, or an image has a tag that moves.
    """
    file = read(path, flags)
    config = file.build(ClusterConfig)
    config = replace(config, steps=_placements(file))
    _check(file, "digests" if config.digests else "tag", lambda: config.pipeline)
    _check(file, "seed", lambda: check_seed(config.seed))
    _check(file, "recipe", lambda: resolve(config.recipe, {}))
    _check(file, "overrides", lambda: resolve(config.recipe, config.overrides))
    try:
        ZoneInfo(config.timezone)
    except (ValueError, OSError, KeyError):
        file.refuse(("timezone",), f"is {config.timezone!r}; write it like 'Europe/Berlin'.")
    return config


def _check(file: TomlFile, key: str, use: Callable[[], Any]) -> None:
    """Says which key it is that can't be used."""
    try:
        use()
    except UserError as error:
        file.refuse((key,), f"can't be used: {error}")


def _placements(file: TomlFile) -> dict[str, Placement]:
    """Gives each step what it does not say itself and ``[steps.all]`` says."""
    tables = file.values.get("steps", {})
    known = (ALL_STEPS, *STEPS)
    for name in tables:
        if name not in known:
            file.refuse(("steps", name), f"is unknown; known here: {', '.join(known)}.")
    shared = tables.get(ALL_STEPS, {})
    return {
        step: file.build(Placement, ("steps", step), shared | tables.get(step, {}))
        for step in STEPS
    }
