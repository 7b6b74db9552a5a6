import numpy as np

from components.train.feed import Feed
from components.train.schedule import shuffled_order


def batches(feed, order):
    for images, labels, here in feed.blocks(order):
        for rows in here:
            yield np.asarray(images)[rows], np.asarray(labels)[rows]


def test_streamed_and_resident_images_make_the_same_batches(digits):
    order = shuffled_order(300, 32, seed=0, epoch=0)
    resident = list(batches(Feed(digits), order))
    streamed = list(batches(Feed(digits, resident_bytes=3 * 32 * 784), order))
    assert len(list(Feed(digits, resident_bytes=3 * 32 * 784).blocks(order))) == 4
    for rows, (images, labels), (same_images, same_labels) in zip(
        order, resident, streamed, strict=True
    ):
        assert np.array_equal(images, digits.images[rows]) and np.array_equal(images, same_images)
        assert np.array_equal(labels, digits.labels[rows]) and np.array_equal(labels, same_labels)
