"""Tables of pandas, where it is installed."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import MissingPackageError


@out_of_memory("a DataFrame", "take a shorter time, or fewer populations, neurons or samples")
def data_frame(columns: Mapping[str, Any]) -> Any:
    """Return a pandas DataFrame of columns, which all have one length.

    Raises:
        MissingPackageError: pandas is not installed.
    """
    return _pandas().DataFrame(dict(columns))


def labels(names: Sequence[str], sizes: Sequence[int]) -> Any:
    """Return a categorical column that repeats each name as often as its size says.

    Raises:
        MissingPackageError: pandas is not installed.
    """
    codes = np.repeat(np.arange(len(names)), np.asarray(sizes, np.int64))
    return _pandas().Categorical.from_codes(codes, categories=list(names))


def _pandas() -> Any:
    try:
        import pandas
    except ImportError as error:
        raise MissingPackageError(
            "to_dataframe needs the package pandas; install it with: "
            'pip install "spikecuda[pandas]"'
        ) from error
    return pandas
