"""A published network in spikecuda, made by its name; run by ``one_network.py``."""

import sys
import time
from pathlib import Path
from typing import Any

import spikecuda
from spikecuda.examples import find
from spikecuda.network import Network

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
from cuba40k import cuba40k

OPTIONS: dict[str, dict[str, Any]] = {"cuba": {"variant": "brian"}}
"""What an example is made with."""


def make(name: str, **options: Any) -> Network:
    """Return a network by name."""
    if name == "cuba40k":
        return cuba40k(**options)
    return find(name).network(**OPTIONS.get(name, {}), **options)


class Built:
    """A network, built and warmed up."""

    version = spikecuda.__version__

    def __init__(self, net: dict[str, Any], threads: int, warm_up: float, duration: float) -> None:
        self.net = make(net["name"], threads=threads, **net["options"])
        self.net.build()
        self.ready = time.perf_counter()
        self.net.run(warm_up)

    def run(self, duration: float) -> tuple[float, dict[str, int]]:
        """Run for so many ms; return the seconds of the loop and the spikes by population."""
        result = self.net.run(duration)
        return result.seconds, {name: int(s.step.size) for name, s in result.spikes.items()}
