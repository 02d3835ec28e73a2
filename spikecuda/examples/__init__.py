"""Published networks, ready to run: ``spikecuda run NAME``, or from Python.

Each is a module with ``network(...)``, which returns a ``Network`` ready to run, and ``EXAMPLE``,
which says what the publication found.
"""

import importlib
from typing import TYPE_CHECKING

from spikecuda.errors import SpikecudaValueError, nearest

if TYPE_CHECKING:
    from spikecuda.examples.example import Example

NAMES = (
    "microcircuit",
    "multi_area",
    "brunel",
    "cuba",
    "coba",
    "izhikevich2003",
    "izhikevich2007",
    "song2000",
    "vogels2011",
    "clopath2010",
    "mongillo2008",
    "diehl2015",
)

__all__ = ["NAMES", "find"]


def find(name: str) -> "Example":
    """Return an example by name.

    Raises:
        SpikecudaValueError: there is none of this name.
    """
    if name not in NAMES:
        raise SpikecudaValueError(
            f"unknown example {name!r}{nearest(name, NAMES)}; there are {', '.join(NAMES)}"
        )
    example: Example = importlib.import_module(f"spikecuda.examples.{name}").EXAMPLE
    return example
