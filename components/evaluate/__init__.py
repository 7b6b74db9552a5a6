"""Evaluation on the held-out test set."""
