"""Tables of pandas, where it is installed."""

from collections.abc import Mapping
from typing import Any

from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import MissingPackageError


@out_of_memory("a DataFrame", "take fewer populations, neurons or samples")
def data_frame(columns: Mapping[str, Any]) -> Any:
    """Return a pandas DataFrame of columns, which all have one length.

    Raises:
        MissingPackageError: pandas is not installed.
    """
    try:
        import pandas
    except ImportError as error:
        raise MissingPackageError(
            "to_dataframe needs the package pandas; install it with: "
            'pip install "spikecuda[pandas]"'
        ) from error
    return pandas.DataFrame(dict(columns))
