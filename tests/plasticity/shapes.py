"""Images of three shapes at varying places, as a data set of the IDX format."""

import gzip

import numpy as np

from spikecuda.examples.idx import LabelledImages

SIDE = 28


def shapes(count: int, seed: int) -> LabelledImages:
    """Return images of a bar that lies, one that stands and a frame, with noise."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 3, count).astype(np.uint8)
    images = np.zeros((count, SIDE, SIDE), np.uint8)
    for image, label in zip(images, labels, strict=True):
        y, x = rng.integers(-2, 3, 2)
        if label == 0:
            image[11 + y : 16 + y, 4:24] = 230
        elif label == 1:
            image[4:24, 11 + x : 16 + x] = 230
        else:
            image[6 + y : 22 + y, 6 + x : 22 + x] = 230
            image[8 + y : 20 + y, 8 + x : 20 + x] = 0
        image[rng.random(image.shape) < 0.05] = rng.integers(0, 255)
    return LabelledImages(images, labels)


def idx(array: np.ndarray) -> bytes:
    """Return an array of bytes as an IDX file."""
    head = bytes((0, 0, 8, array.ndim)) + np.array(array.shape, ">u4").tobytes()
    return head + array.astype(np.uint8).tobytes()


def write(folder, learn: LabelledImages, test: LabelledImages, zipped: bool = False) -> None:
    """Write the four files that MNIST comes in."""
    for name, given in (("train", learn), ("t10k", test)):
        for kind, array in (("images-idx3", given.images), ("labels-idx1", given.labels)):
            data = idx(array)
            path = folder / f"{name}-{kind}-ubyte{'.gz' if zipped else ''}"
            path.write_bytes(gzip.compress(data) if zipped else data)
