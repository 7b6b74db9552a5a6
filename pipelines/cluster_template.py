"""The ``cluster.toml`` that ``mnist-pipeline init`` writes."""

TEMPLATE = """\
# What differs between clusters. Flags of `mnist-pipeline submit` and `schedule` win over this file.
# A line that starts with "#" and a key shows the key's default, or an example of it.

# Where Kubeflow Pipelines answers. Leave it out inside the cluster, and to go through kubeconfig.
host = "https://kubeflow.example"
# namespace = "team"                    # of a multi-user installation
experiment = "mnist-training"
# service_account = "pipeline-runner"   # that steps run as; it needs the buckets below
# timezone = "UTC"                      # in which the cluster reads schedules: see `schedule apply`

# Images, as `make images REGISTRY=... TAG=...` names them; a tag that moves is refused. Training
# on GPUs takes the tag with "-cuda": make images ACCELERATOR=cuda REGISTRY=... TAG=v1.0.0-cuda
registry = "registry.example/team"
tag = "v1.0.0"

# Where artifacts go; by default where the cluster puts them.
# pipeline_root = "gs://bucket/runs"
data = "mnist"                          # or "gs://bucket/digits"
# store = "gs://bucket/models"          # without a store, nothing is promoted
# model = "mnist"                       # the model's name in the store
# recipe = "fast"
# seed = 0
# cache = true                          # reuse steps whose inputs have not changed

# [overrides]                           # fields of the recipe
# epochs = 10

# [digests]                             # images by digest, instead of by tag
# train = "sha256:0000000000000000000000000000000000000000000000000000000000000000"

# [promotion]                           # what is asked of a model before it may serve
# min_accuracy = 0.9
# significance = 0.05
# require_improvement = false

# [login]                               # one way at a time; README.md has an example of each
# token_file = "/var/run/secrets/kubeflow/pipelines/token"
# token_command = ["gcloud", "auth", "print-access-token"]
# client_id = "123-abc.apps.googleusercontent.com"
# kube_context = "production"
# ca_file = "/etc/ssl/private-ca.pem"

[steps.all]                             # for every step, unless its own table says otherwise
retries = 2
backoff = "1m"                          # before the first retry; then twice as long each time
# cpu = "1"
# memory = "2Gi"
# timeout = "1h"                        # of one attempt
# node_selector = { "kubernetes.io/arch" = "amd64" }
# tolerations = [{ key = "dedicated", operator = "Equal", value = "ml", effect = "NoSchedule" }]
# secrets = [{ name = "gcs", key = "project", env = "GOOGLE_CLOUD_PROJECT" }]

[steps.train-model]                     # or snapshot-source, prepare-dataset, evaluate-model, ...
cpu = "4"
memory = "8Gi"
timeout = "4h"
# gpu = "nvidia.com/gpu"
# gpu_count = 1
# tolerations = [{ key = "cloud.google.com/gke-spot", operator = "Exists" }]
"""
