"""Receptors in several copies, where weights of very different size meet.

Weights at a receptor are whole numbers of one unit, which follows from the largest sum of weights
there.  A script of PyNN may give one neuron synapses that make it spike and others that are a
billionth of them.  Receptors are linear: what arrives at two of one kind adds up as at one.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from spikecuda.pynn.wires import HEADROOM, Wire

# Units that the smallest weight of a receptor has at least; the build needs 128.
UNITS = 512.0
LARGEST = 2.0**30
# Of so many weights the smallest one in as many may be rounded.
MANY = 1000

# By identity of a population: the names of the copies of each port, the port's own first.
Copies = dict[int, dict[str, list[str]]]


def share_ports(wires: Iterable[tuple[Any, Wire]], at_once: Mapping[int, int]) -> Copies:
    """Give each wire a port; return the copies that this takes.

    Args:
        wires: projections of PyNN and their wires.
        at_once: by identity of a source: the most spikes of it in a step.
    """
    found: dict[tuple[int, str], list[tuple[float, float, Wire]]] = {}
    for projection, wire in wires:
        wire.port = wire.target.celltype.ports[projection.receptor_type]
        if projection.synapse_type.electric:
            continue
        sums, smallest = _size(projection, wire)
        most = sums * at_once.get(id(wire.source), 1)
        found.setdefault((id(wire.target), wire.port), []).append((most, smallest, wire))
    copies: Copies = {}
    for (target, port), members in found.items():
        names, total, used = [port], 0.0, False
        for most, smallest, wire in sorted(members, key=lambda m: -m[0]):
            if used and smallest < UNITS * (total + most) / LARGEST:
                names.append(f"{port}_{len(names) + 1}")
                total = 0.0
            total, used = total + most, True
            wire.port = names[-1]
        copies.setdefault(target, {})[port] = names
    return copies


def _size(projection: Any, wire: Wire) -> tuple[float, float]:
    """Return the largest sum of weights of a target, and the smallest weight that counts."""
    weights = np.abs(wire.of(projection.attributes["weight"]))
    each = np.broadcast_to(weights, wire.targets.shape)
    held = each[each > 0]
    smallest = np.inf
    if held.size:
        smallest = float(np.partition(held, held.size // MANY)[held.size // MANY])
    if "w_max" in wire.rule:
        most = wire.rule["w_max"] * float(np.bincount(wire.targets).max())
    else:
        most = HEADROOM * float(np.bincount(wire.targets, each).max())
    return most, smallest
