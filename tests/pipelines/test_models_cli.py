"""``mnist-pipeline models``: looking into a store, and going back to the version before."""

import pytest
from click.testing import CliRunner

from pipelines.cli import main


def invoke(*arguments):
    return CliRunner().invoke(main, ["models", *arguments])


@pytest.mark.parametrize("arguments", [["list"], ["show", "1"], ["rollback"]])
def test_a_store_without_versions_is_explained_in_a_sentence(tmp_path, arguments):
    result = invoke(*arguments, "--store", str(tmp_path))
    assert "Traceback" not in result.output
    assert str(tmp_path) in result.output.replace("\n", "")
    assert result.exit_code == (0 if arguments == ["list"] else 1)


@pytest.mark.parametrize("version", ["0", "-1", "one"])
def test_what_is_no_version_is_wrong_usage(tmp_path, version):
    assert invoke("show", "--store", str(tmp_path), "--", version).exit_code == 2
