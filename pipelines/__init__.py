"""The pipeline: its graph, its runners and its command line."""
