"""Run a script of PyNN that asks for a simulator: ``python -m spikecuda.pynn FILE spikecuda``.

PyNN's ``get_simulator`` imports modules within pyNN only.  Here it finds this backend under the
name "spikecuda".
"""

import runpy
import sys

import spikecuda.pynn as sim


def main(arguments: list[str]) -> None:
    """Run a script with its arguments."""
    if not arguments:
        print("usage: python -m spikecuda.pynn script.py [arguments of the script]")
        sys.exit(2)
    sys.modules["pyNN.spikecuda"] = sim
    sys.argv = arguments
    runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
