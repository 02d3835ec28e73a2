"""Kernels of many receptors or Poisson inputs: what describes them to code that loops over them.

The code of such a kernel is the same for any number of receptors, so that compiling it takes no
longer: it has a pass for each kind, and a table says which receptor is of which.
"""

import numpy as np

from spikecuda.kernels.network import layout
from spikecuda.kernels.receptors import ReceptorSpec, between
from spikecuda.kernels.spec import COURSE, EVENTS, NEURON, ROWS, SHARED, Argument, KernelSpec

# A kind of receptor, those of its constants that differ from neuron to neuron, and whether it is
# the cells of what arrives at such a receptor between steps.
Variant = tuple[str, tuple[str, ...], bool]
PULSE_ARGUMENTS = (
    "_survival", "_levels", "_mean", "_none", "_some", "_reciprocals", "_events", "_weight",
)  # fmt: skip
# The first argument of each kind of Poisson input; a kind's number in the description is its place.
PULSE_FIRST = {
    SHARED: "_survival", NEURON: "_mean", ROWS: "_means", COURSE: "_survival", EVENTS: "_events",
}  # fmt: skip
PULSE_KINDS = list(PULSE_FIRST)


def variants(spec: KernelSpec) -> list[Variant]:
    """Return the kinds of receptors that a kernel has code for."""
    return sorted({_variant(spec, receptor) for receptor in spec.synapses})


def arguments(spec: KernelSpec) -> tuple[list[Argument], list[Argument]]:
    """Return the arguments that the code names, and those that the description points to."""
    named: list[Argument] = []
    listed: list[Argument] = []
    for argument in spec.arguments:
        pulse = argument.name.startswith(PULSE_ARGUMENTS)
        (listed if pulse or argument.name.startswith("_x_") else named).append(argument)
    return named, listed


def description(spec: KernelSpec) -> np.ndarray:
    """Return the description of a kernel's receptors and Poisson inputs, see ``layout.MANY_*``."""
    named, listed = arguments(spec)
    # The table begins with the scratch memory and the description.
    place = {a.name: 2 * i + 2 for i, a in enumerate([*named, *listed])}
    known = variants(spec)
    pulses = spec.inputs.pulses
    targets = spec.inputs.receptors or ("",) * len(pulses)
    # What has arrived between steps comes first.
    synapses = sorted(spec.synapses, key=lambda r: not r.of)
    # Python's sort keeps the order of those that reach the same receptor.
    names = [r.name for r in synapses]
    order = sorted(range(len(pulses)), key=lambda n: ([*names, ""]).index(targets[n]))
    result = np.zeros((len(names) + len(pulses), layout.MANY_ROW), np.int64)
    at = len(names)
    for row, receptor in zip(result, synapses, strict=False):
        owner = _owner(receptor)
        first = (*owner.rules.states, *owner.rules.constants, "scale")[0]
        row[layout.MANY_KIND] = known.index(_variant(spec, receptor))
        row[layout.MANY_WHERE] = place[owner.prefix + first]
        row[layout.MANY_SCALE] = place[f"{receptor.prefix}scale"]
        row[layout.MANY_FIRST] = at
        at += targets.count(receptor.name)
        row[layout.MANY_LAST] = at
    for row, n in zip(result[len(names) :], order, strict=True):
        rate, weight = pulses[n]
        row[layout.MANY_KIND], row[layout.MANY_NUMBER] = PULSE_KINDS.index(rate), n
        row[layout.MANY_WHERE] = place[f"{PULSE_FIRST[rate]}{n}"]
        row[layout.MANY_SCALE] = place[f"_weight{n}"]
        row[layout.MANY_WEIGHTS] = weight == NEURON
    header = np.zeros(layout.MANY_HEADER, np.int64)
    header[layout.MANY_RECEPTORS] = len(names)
    header[layout.MANY_MEMBRANE], header[layout.MANY_PULSES] = at, len(result)
    return np.concatenate([header, result.reshape(-1)])


def context(spec: KernelSpec) -> dict[str, object]:
    """Return the template variables that such a kernel has beside the others."""
    return {
        "entry_arguments": arguments(spec)[0],
        "synapses": bool(spec.synapses),
        "variants": [
            (ReceptorSpec("r", kind), varying, between(ReceptorSpec("r", kind)) if early else None)
            for kind, varying, early in variants(spec)
        ],
        "pulse_rates": {rate for rate, _ in spec.inputs.pulses},
        "PULSE_KINDS": PULSE_KINDS,
        "timed_pulses": any(rate in (ROWS, COURSE, EVENTS) for rate, _ in spec.inputs.pulses),
        "pulse_weights": {weight for _, weight in spec.inputs.pulses},
    }


def _variant(spec: KernelSpec, receptor: ReceptorSpec) -> Variant:
    owner = _owner(receptor)
    varying = tuple(c for c in owner.rules.constants if owner.prefix + c in spec.varying)
    return receptor.kind, varying, bool(receptor.of)


def _owner(receptor: ReceptorSpec) -> ReceptorSpec:
    """Return the receptor whose states something that arrives acts on."""
    return ReceptorSpec(receptor.of, receptor.kind) if receptor.of else receptor
