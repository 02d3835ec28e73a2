"""Files of arrays."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from spikecuda.common.files import replacing


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> Path:
    """Write arrays to an npz file: all of it or nothing; see ``files.replacing``.

    Args:
        path: file; the name is taken as it is.
        arrays: by key.
    """
    with replacing(path) as file:
        np.savez(file, **dict(arrays))  # type: ignore[arg-type]
    return Path(path)
