"""Files of arrays."""

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np


def write_npz(path: str | os.PathLike[str], arrays: Mapping[str, np.ndarray]) -> Path:
    """Write arrays to an npz file: all of it or nothing, and never half of it under its name.

    Args:
        path: file; the name is taken as it is.
        arrays: by key.
    """
    final = Path(path)
    temporary = final.with_name(f".{final.name}.{os.getpid()}")
    try:
        with temporary.open("wb") as file:
            np.savez(file, **dict(arrays))  # type: ignore[arg-type]
        os.replace(temporary, final)
    finally:
        temporary.unlink(missing_ok=True)
    return final
