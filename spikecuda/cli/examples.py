"""The examples that ``spikecuda run NAME`` knows."""

from collections.abc import Callable

from spikecuda.cli.runconfig import RunConfig
from spikecuda.errors import SpikecudaValueError, nearest

# Name -> function that returns the configuration; options given beside the name override it.
EXAMPLES: dict[str, Callable[[], RunConfig]] = {}


def find_example(name: str) -> RunConfig:
    """Return a named example's configuration.

    Raises:
        SpikecudaValueError: there is none of this name.
    """
    if name not in EXAMPLES:
        known = f"there are {', '.join(EXAMPLES)}" if EXAMPLES else "this version has none"
        raise SpikecudaValueError(
            f"unknown example {name!r}{nearest(name, list(EXAMPLES))}; {known}; for a pool, "
            "give options such as --neuron-type adex, or a .toml file"
        )
    return EXAMPLES[name]()
