"""The kernels of networks that are inspected: updates of known networks, and the routines."""

from collections.abc import Iterator
from dataclasses import replace

from spikecuda.inspection.catalogue import spec
from spikecuda.kernels import couple_routines, learn_routines, routines
from spikecuda.kernels.receptors import KINDS, ReceptorSpec
from spikecuda.kernels.routines import CONSTANT, NARROW, WIDE, RoutineSpec, Spec
from spikecuda.kernels.spec import SHARED, InputSpec, KernelSpec

# Model, receptors by name, and input of each network's neurons.
UPDATES = {
    # Potjans & Diesmann (2014): one current, Poisson input of each population's own rate.
    "microcircuit": (
        "lif", {"syn": "exp_current"},
        InputSpec(pulses=((SHARED, SHARED),), receptors=("syn",)),
    ),
    # Brunel (2000): jumps of the membrane, Poisson input of one rate.
    "brunel": ("lif", {"in": "delta"}, InputSpec(pulses=((SHARED, SHARED),), receptors=("in",))),
    # Brette et al. (2007), benchmark 1.
    "coba": (
        "lif_cond", {"exc": "exp_conductance", "inh": "exp_conductance"}, InputSpec(bias=SHARED),
    ),
    "every receptor": (
        "lif_cond", {kind.replace("_", ""): kind for kind in KINDS if kind != "coupled"},
        InputSpec(bias=SHARED, noises=(SHARED,)),
    ),
}  # fmt: skip
# The GPUs that predictions are made for, and one of the newer optimiser.
PREDICTED = ((8, 0), (8, 9), (9, 0), (10, 0))
BOTH = ((8, 6), (10, 0))


def update(network: str, precision: str = "float32") -> KernelSpec:
    """Return the update kernel of a network in ``UPDATES``."""
    model, receptors, inputs = UPDATES[network]
    ports = tuple(ReceptorSpec(name, kind) for name, kind in receptors.items())
    plain = spec(model, precision)
    return replace(plain, inputs=inputs, receptors=ports, sections=True)


def every_routine() -> Iterator[RoutineSpec]:
    """Yield the routines: those that differ in the width of a load only, once."""
    yield routines.collect()
    for weights in (CONSTANT, NARROW, WIDE):
        yield routines.deliver_rows(weights)
    yield routines.deliver_short(NARROW)
    yield routines.deliver_rows(NARROW, given=True)
    yield routines.deliver_tiles(CONSTANT)
    yield routines.deliver_tiles(NARROW)
    for walk in routines.WALKS:
        yield routines.deliver_drawn(walk)
    yield routines.sample("float32")
    yield couple_routines.value("", (couple_routines.STATE,), "float32")
    yield couple_routines.mean("float32")
    yield couple_routines.gather("float32")
    yield couple_routines.keep("float32")
    yield from learning()


def learning(real: str = "float32") -> Iterator[RoutineSpec]:
    """Yield the kernels of synapses that learn, for pair STDP, and what other rules add to them."""
    from spikecuda.plasticity import STDP, ClopathSTDP, DopamineSTDP

    spec = STDP(w_max=1.0).spec(real)
    yield learn_routines.keep_spikes(spec)
    yield learn_routines.keep_listed(spec)
    yield learn_routines.learn_rows(spec)
    yield learn_routines.sweep_rows(spec)
    yield learn_routines.settle_rows(spec)
    yield learn_routines.end_sweep()
    yield learn_routines.put_values(real)
    # A modulator; states of the targets.
    yield learn_routines.learn_rows(DopamineSTDP(w_max=1.0).spec(real))
    yield learn_routines.count_modulators()
    yield learn_routines.fill_modulators()
    yield learn_routines.end_sweep(modulated=True)
    yield learn_routines.keep_spikes(ClopathSTDP(w_max=1.0).spec(real))


def covered() -> Iterator[tuple[str, Spec, tuple[int, int]]]:
    """Yield variant, kernel and architecture of what has a budget."""
    for cc in PREDICTED:
        yield "microcircuit", update("microcircuit"), cc
    for precision in ("float16", "float64"):
        for cc in BOTH:
            yield "microcircuit", update("microcircuit", precision), cc
    for network in ("coba", "every receptor"):
        for cc in BOTH:
            yield network, update(network), cc
    for routine in every_routine():
        for cc in BOTH:
            yield "network", routine, cc
