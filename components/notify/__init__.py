"""Telling people how a run ended."""

WEBHOOK = "MNIST_PIPELINE_WEBHOOK"  # the variable with the URL, which is a secret
