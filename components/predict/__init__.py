"""Prediction: pictures of any size to classes."""
