"""Promotion of models in a model store."""
