"""Data preparation: raw files to a prepared dataset."""
