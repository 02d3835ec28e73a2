"""Fused populations: populations that one launch advances together on a device."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from spikecuda.common.seed import keys
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.kernels.spec import CODEC, KernelSpec
from spikecuda.network.run.neurons import Neurons
from spikecuda.network.run.window import ResolvedInputs
from spikecuda.network.synapses.blocks import GRAIN, Share

# The section of words of neurons that a launch does not advance.
NOBODY = 0xFFFF


@dataclass(frozen=True, eq=False)
class FusedPopulations:
    """Populations whose kernels are the same but for numbers.

    Attributes:
        spec: the kernel, with sections: one for each population.
        populations: numbers of the populations, ascending.
    """

    spec: KernelSpec
    populations: list[int]

    def ranges(self, share: Share) -> list[tuple[int, int]]:
        """Return the ranges of places that it takes on a device, neighbours joined.

        Of replicas it is one range, in which others may lie: see ``NOBODY``.
        """
        if self.spec.replicas:
            begin, last = self.populations[0], self.populations[-1]
            return [(int(share.places[begin]), int(share.places[last] + share.counts[last]))]
        result: list[tuple[int, int]] = []
        for g in self.populations:
            first, count = int(share.places[g]), int(share.counts[g])
            if not count:
                continue
            if result and -(-result[-1][1] // GRAIN) * GRAIN == first:
                result[-1] = (result[-1][0], first + count)
            else:
                result.append((first, first + count))
        return result


def fuse_populations(
    neurons: Sequence[Neurons],
    drives: ResolvedInputs,
    share: Share,
    seen: Mapping[int, tuple[str, ...]],
    replicas: bool = False,
) -> list[FusedPopulations]:
    """Return the populations of a partition, grouped into those that one launch advances.

    Populations with input of their own for each step stay by themselves, but for replicas.

    Args:
        neurons: of all populations.
        drives: their input.
        share: the partition's neurons.
        seen: the states of each population that rules see.
        replicas: whether they are of several networks, with keys of their own.
    """
    found: dict[Any, FusedPopulations] = {}
    for g, (n, drive) in enumerate(zip(neurons, drives, strict=True)):
        if not share.counts[g]:
            continue
        states = seen.get(g, ())
        spec = replace(n.spec(*drive), sections=True, replicas=replicas, seen=states)
        lengths = tuple(
            np.size(value) for name, value in drive[0].fixed.items()
            if name.startswith("_reciprocals")
        ) + tuple(drive[0].widths.items())  # fmt: skip
        alone = g if spec.inputs.changing and not replicas else -1
        fused = found.setdefault((spec, lengths, alone), FusedPopulations(spec, []))
        fused.populations.append(g)
    return list(found.values())


def tables(
    fused: FusedPopulations,
    neurons: Sequence[Neurons],
    drives: ResolvedInputs,
    share: Share,
    exponent: Mapping[tuple[int, int], int],
    lines: int,
) -> dict[str, Any]:
    """Return the arguments with a row for each of the fused populations, by name.

    Args:
        fused: the populations.
        neurons, drives, share: see ``fuse_populations``.
        exponent: of the fixed-point scale of each (population, port).
        lines: steps that input is held for.
    """
    spec = fused.spec
    reals, whole = [], []
    for i, g in enumerate(fused.populations):
        known = _numbers(neurons[g], drives[g][0], exponent, g)
        reals.append([known[name] for name in spec.section_reals])
        # A neuron's identity is its place plus this.
        identity = neurons[g].population.neurons.identity + share.starts[g, 0] - share.places[g]
        rest = known.get("n_ref", 0)
        whole.append([rest if np.ndim(rest) == 0 else 0, identity])
        if spec.replicas:
            whole[-1] += [*keys(neurons[g].population.neurons.noise_seed), i * lines]
    result: dict[str, Any] = {
        "_reals": np.array(reals, spec.precision.real).reshape(-1),
        "_whole": np.array(whole, np.int64).astype(np.int32).reshape(-1),
    }
    for j in range(len(spec.inputs.pulses)):
        name, first = f"_survival{j}", drives[fused.populations[0]][0].fixed
        if f"_levels{j}" in first:  # the tables change, and the population is by itself
            result[f"_levels{j}"] = first[f"_levels{j}"]
        if name not in first:
            continue
        rows = [np.asarray(drives[g][0].fixed[name]) for g in fused.populations]
        levels = max(row.size for row in rows)
        # No uniform number is below -1.
        table = np.full((len(rows), levels), -1.0, np.float32)
        for out, row in zip(table, rows, strict=True):
            out[: row.size] = row
        result[name], result[f"_levels{j}"] = table.reshape(-1), np.int64(levels)
    return result


def _numbers(
    neurons: Neurons, drive: ResolvedInput, exponent: Mapping[tuple[int, int], int], g: int
) -> dict[str, Any]:
    """Return the numbers of a population by argument name."""
    known: dict[str, Any] = dict(neurons.constants)
    for port, receptor in enumerate(neurons.population.ports):
        known[f"{receptor.prefix}scale"] = 2.0 ** -exponent.get((g, port), 0)
    for name, codec in neurons.population.neurons.codecs.items():
        known |= {f"_{name}_{part}": getattr(codec, part) for part in CODEC}
    return known | drive.fixed
