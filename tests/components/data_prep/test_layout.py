import pytest

from components.data_prep.layout import Pair, arrange, is_data
from components.errors import UserError

TRAIN = ["train-images-idx3-ubyte", "train-labels-idx1-ubyte"]
TEST = ["t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"]


@pytest.mark.parametrize(
    "name", [*TRAIN, *TEST, "a/b/x.images-idx3-ubyte", "images.idx3-ubyte", "m.npz", "classes.txt"]
)
def test_data_files(name):
    assert is_data(name)


@pytest.mark.parametrize(
    "name",
    [
        "README.md",
        "train-images-idx3-ubyte.zip",
        "train-images-idx1-ubyte",
        "._train-images-idx3-ubyte",
        ".cache/m.npz",
        "my-classes.txt",
    ],
)
def test_other_files(name):
    assert not is_data(name)


def test_training_batches_are_sorted_and_test_files_held_out():
    layout = arrange(
        "uri",
        [
            *TRAIN,
            *TEST,
            "2026-02/batch-images-idx3-ubyte.gz",
            "2026-02/batch-labels-idx1-ubyte",
            "2026-01/batch-images-idx3-ubyte",
            "2026-01/batch-labels-idx1-ubyte.gz",
            "more/Test-images-idx3-ubyte",
            "more/Test-labels-idx1-ubyte",
        ],
    )
    assert layout.training == (
        Pair("2026-01/batch-images-idx3-ubyte", "2026-01/batch-labels-idx1-ubyte.gz"),
        Pair("2026-02/batch-images-idx3-ubyte.gz", "2026-02/batch-labels-idx1-ubyte"),
        Pair(*TRAIN),
    )
    assert layout.held_out == (
        Pair("more/Test-images-idx3-ubyte", "more/Test-labels-idx1-ubyte"),
        Pair(*TEST),
    )


def test_a_folder_called_test_is_not_held_out():
    names = ["test/a-images-idx3-ubyte", "test/a-labels-idx1-ubyte", *TEST]
    assert len(arrange("uri", names).training) == 1


def test_npz_and_class_names():
    layout = arrange("uri", ["data/m.npz", "classes.txt"])
    assert (layout.npz, layout.class_names) == ("data/m.npz", "classes.txt")


@pytest.mark.parametrize(
    ("names", "match"),
    [
        ([], "uri holds no data"),
        (["classes.txt"], "uri holds no data"),
        ([*TRAIN, TEST[0]], f"uri holds {TEST[0]} without its labels"),
        ([TRAIN[1], *TEST], f"uri holds {TRAIN[1]} without its images"),
        ([TRAIN[0], f"a/{TRAIN[1]}", *TEST], "without its images"),
        (TRAIN, "uri holds no test set"),
        (TEST, "uri holds a test set only"),
        (["a.npz", "b.npz"], r"both a\.npz and b\.npz"),
        (["a.npz", *TRAIN, *TEST], r"both a\.npz and t10k-images-idx3-ubyte\.gz"),
        ([*TRAIN, f"{TRAIN[0]}.gz", *TEST], "both train-images.*ubyte and train-images.*gz"),
        (["a/classes.txt", "b/classes.txt", "m.npz"], "both a/classes.txt and b/classes.txt"),
    ],
)
def test_what_can_not_be_arranged(names, match):
    with pytest.raises(UserError, match=match):
        arrange("uri", names)
