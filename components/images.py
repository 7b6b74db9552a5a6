"""The image of each component: the one place that names them."""

DATA_PREP = "mnist-pipeline/data-prep"
TRAIN = "mnist-pipeline/train"
EVALUATE = "mnist-pipeline/evaluate"
