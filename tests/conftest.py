"""Fixtures that more than one component's tests use."""

pytest_plugins = ["gcs_fixtures", "kfp_fixtures"]
