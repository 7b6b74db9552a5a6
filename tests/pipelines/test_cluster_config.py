"""cluster.toml: what it may say, and how it is refused."""

import re

import pytest

from components.errors import UserError
from pipelines.cluster_cli import TEMPLATE
from pipelines.cluster_config import load
from pipelines.config import Placement, Secret, Toleration

MINIMAL = 'registry = "r.example/team"\ntag = "v1"\n'
DIGEST = "sha256:" + "a" * 64


@pytest.fixture
def read(tmp_path):
    def read(text, **flags):
        path = tmp_path / "cluster.toml"
        path.write_text(text, encoding="utf-8")
        return load(path, flags)

    return read


def test_the_template_is_a_valid_file(read):
    assert read(TEMPLATE.read_text()).pipeline.images.train == "registry.example/team/train:v1.0.0"


def test_every_key_that_the_template_shows_is_known(read):
    shown = re.sub(r"(?m)^# (?=\[[a-z_]+\]|[a-z_]+ = )", "", TEMPLATE.read_text())
    one_way = re.sub(r"(?m)^(token_command|client_id|kube_context) = .*\n", "", shown)
    config = read(one_way)
    assert shown.count("\n") - one_way.count("\n") == 3
    assert config.pipeline.placements["train-model"].gpu_count == 1
    assert config.parameters["overrides"] == {"epochs": 10}


def test_a_step_inherits_what_it_does_not_say(read):
    config = read(
        MINIMAL
        + """
        [steps.all]
        retries = 2
        memory = "2Gi"
        tolerations = [{key = "spot", operator = "Exists", effect = "NoSchedule"}]
        [steps.train-model]
        memory = "16Gi"
        gpu_count = 2
        timeout = "90m"
        node_selector = {"gke/accelerator" = "l4"}
        secrets = [{name = "hook", key = "url", env = "URL"}]
        """
    )
    spot = Toleration("spot", "Exists", "", "NoSchedule")
    shared = Placement(memory="2Gi", retries=2, tolerations=(spot,))
    placements = config.pipeline.placements
    assert placements["snapshot-source"] == placements["promote-model"] == shared
    assert placements["train-model"] == Placement(
        memory="16Gi",
        gpu_count=2,
        node_selector={"gke/accelerator": "l4"},
        tolerations=(spot,),
        timeout="90m",
        retries=2,
        secrets=(Secret("hook", "url", "URL"),),
    )


@pytest.mark.parametrize(
    ("rest", "image"),
    [
        ("", "r.example/team/train:v1"),
        ("[steps.train-model]\ngpu_count = 1", "r.example/team/train:v1-cuda"),
        (
            f'[digests]\ntrain = "{DIGEST}"\n[steps.train-model]\ngpu_count = 1',
            f"r.example/team/train@{DIGEST}",
        ),
    ],
)
def test_training_on_gpus_takes_the_image_for_them(read, rest, image):
    config = read(MINIMAL + rest)
    assert config.pipeline.images.train == image
    assert config.pipeline.images.evaluate == "r.example/team/evaluate:v1"


def test_flags_win_and_are_checked_alike(read):
    config = read(MINIMAL + 'data = "gs://old/digits"', data="gs://new/digits", tag="v2")
    assert config.parameters["data"] == "gs://new/digits"
    assert config.pipeline.images.evaluate.endswith(":v2")
    with pytest.raises(UserError, match=r"^--data is './digits'"):
        read(MINIMAL, data="./digits")
    with pytest.raises(UserError, match=r"^--tag .*latest"):
        read(MINIMAL, tag="latest")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("colour = 1", "colour is unknown; known here: .*data.*store"),
        ('seed = "1"', "seed is '1'; it must be a whole number"),
        ("seed = true", "seed is True; it must be a whole number"),
        ("seed = -1", "seed is -1; it must be a whole number from 0"),
        ('timezone = "Mars"', "timezone is 'Mars'"),
        ('cache = "no"', "cache is 'no'; it must be true or false"),
        ('host = "kubeflow.example"', "host is 'kubeflow.example'"),
        ('data = "/home/me/digits"', "data is '/home/me/digits'"),
        ('store = "gs:/bucket"', "store is 'gs:/bucket'"),
        ('pipeline_root = "runs"', "pipeline_root is 'runs'"),
        ('recipe = "slow"', "recipe can't be used: .*slow"),
        ("overrides = {epochs = 0}", "overrides can't be used: .*epochs"),
        ("promotion = {min_accuracy = 2}", "promotion can't be used: min_accuracy"),
        ("promotion = {floor = 2}", "promotion.floor is unknown"),
        ('digests = {train = "v1"}', "digests can't be used: .*digest"),
        ('steps.train-model.cpu = "two"', "steps.train-model.cpu is 'two'"),
        ('steps.train-model.memory = "8 GB"', "steps.train-model.memory is '8 GB'"),
        ('steps.train-model.timeout = "1 day"', "steps.train-model.timeout is '1 day'"),
        ('steps.train = {cpu = "1"}', "steps.train is unknown; .*train-model"),
        ('steps.all.tolerations = [{operator = "Is"}]', "steps.all.tolerations.operator is 'Is'"),
        ('steps.all.secrets = [{name = "a", key = "b"}]', "steps.all.secrets.env is missing"),
        ('steps.all.tolerations = "spot"', "steps.all.tolerations is 'spot'; it must be a list"),
        ('steps.all.tolerations = ["spot"]', "steps.all.tolerations is 'spot'; it must be a table"),
        ('login = {token_file = "a", client_id = "b"}', "login can't be used: client_id stands"),
    ],
)
def test_what_is_wrong_is_told_with_its_line(read, line, complaint):
    with pytest.raises(UserError, match=f"cluster.toml, line 3: {complaint}"):
        read(MINIMAL + line)


def test_keys_below_a_table_have_their_line(read):
    with pytest.raises(UserError, match=r"line 6: steps.train-model.gpus is unknown"):
        read(MINIMAL + "\n[steps.train-model]\ncpu = '1'\ngpus = 1\n")


def test_where_the_images_are_is_needed_and_is_no_url(read):
    with pytest.raises(UserError, match=r"cluster.toml: registry is missing"):
        read('tag = "v1"')
    with pytest.raises(UserError, match=r"line 1: registry is 'https://r.example'"):
        read('registry = "https://r.example"\ntag = "v1"')


@pytest.mark.parametrize("tag", ["latest", "main", ""])
def test_a_tag_that_moves_is_refused(read, tag):
    with pytest.raises(UserError, match=r"line 2: tag can't be used"):
        read(f'registry = "r.example"\ntag = "{tag}"')


def test_what_is_no_toml_is_refused(read, tmp_path):
    with pytest.raises(UserError, match=r"not valid TOML.*line 2"):
        read('host = "a"\nhost = "b"\n')
    with pytest.raises(UserError, match="mnist-pipeline init"):
        load(tmp_path / "none.toml", {})
