"""Image references for a cluster: only such as can't change their meaning."""

import pytest

from components.errors import UserError
from components.images import references

DIGEST = "sha256:" + "0123456789abcdef" * 4


def test_a_release_tag_names_all_images():
    found = references("registry.example:5000/team", "1.4.2")
    assert found == (
        "registry.example:5000/team/data-prep:1.4.2",
        "registry.example:5000/team/train:1.4.2",
        "registry.example:5000/team/evaluate:1.4.2",
    )


def test_a_digest_goes_before_the_tag():
    found = references("r.example", "1.4.2", {"train": DIGEST})
    assert found.train == f"r.example/train@{DIGEST}"
    assert found.evaluate == "r.example/evaluate:1.4.2"


def test_digests_need_no_tag():
    digests = dict.fromkeys(("data-prep", "train", "evaluate"), DIGEST)
    assert references("r.example", digests=digests).data_prep == f"r.example/data-prep@{DIGEST}"


@pytest.mark.parametrize("tag", ["", "latest", "main", "stable"])
def test_a_tag_that_moves_is_refused_with_the_reason(tag):
    with pytest.raises(UserError, match=r"older code.*digest"):
        references("r.example", tag)


@pytest.mark.parametrize("tag", ["1.0 ", "a/b", "-x", "x" * 129, "v1\n"])
def test_what_is_no_tag_is_refused(tag):
    with pytest.raises(UserError, match="no image tag"):
        references("r.example", tag)


@pytest.mark.parametrize("digest", ["", "0" * 64, "sha256:" + "0" * 63, "sha256:" + "A" * 64])
def test_what_is_no_digest_is_refused(digest):
    with pytest.raises(UserError, match="64 hex"):
        references("r.example", "1.0", {"train": digest})


def test_an_unknown_image_is_refused():
    with pytest.raises(UserError, match=r"trainer.*data-prep, train, evaluate"):
        references("r.example", "1.0", {"trainer": DIGEST})
