"""The newer models against their oracles, from arbitrary states, with bounds from ``running``.

One step judges the arithmetic of each precision, many steps the order of things within a step,
refractoriness and the counters.
"""

import numpy as np
import pytest
from bounds import stored
from cells import population
from pools import inputs, make_pool, pulses_of, raster
from running import follow

from spikecuda.kernels.reference import adex, eif, glif, hh_traub, lif_cond, qif
from spikecuda.models import find

ORACLES = {
    "adex": adex, "eif": eif, "qif": qif, "lif_cond": lif_cond, "hh_traub": hh_traub,
    **{f"glif{level}": glif for level in range(1, 6)},
}  # fmt: skip
# AdEx's other schemes are in ``test_models``.
CASES = [
    (name, scheme) for name in ORACLES for scheme in find(name).schemes
    if name != "adex" or scheme == "upstroke"
]  # fmt: skip
CASE = pytest.mark.parametrize(("name", "scheme"), CASES)


def judge(name, scheme, precision, target, seed, steps, substeps=1, dt=0.1, pulses=False):
    """Compare pool and oracle; return the parts of pairs judged and of neurons that spiked."""
    model = find(name)
    cells = population(model, seed, 1030, steps, dt, pulses)
    with make_pool(cells, target, precision, scheme, substeps) as pool:
        start = {k: np.asarray(pool.state[k], np.float64) for k in pool.state}
        result = pool.run(steps=steps, input=inputs(cells))
        end = {k: np.asarray(pool.state[k], np.float64) for k in pool.state}
        codecs = {k: (float(c.origin), float(c.span)) for k, c in pool.neuron_spec.codecs.items()}
        spans = [span_of(pool, s) for s in model.states]
    jumps, ambiguous = pulses_of(cells)
    spikes, traces = ORACLES[name].simulate(
        start, cells.params, cells.current, jumps, dt, scheme, substeps
    )
    judged, errors = follow(
        model, traces, cells, jumps, scheme, precision, substeps, spans, ambiguous
    )
    wrong = judged & (raster(result.spikes, steps, cells.count) != spikes)
    assert not wrong.any(), f"first at (step, neuron) {np.argwhere(wrong)[0]}"
    last = judged[-1]
    for state, error in zip(model.states, errors, strict=True):
        expected = traces[state][-1]
        if state in codecs:
            error = stored(expected, error, *codecs[state])
        off = last & ~(np.abs(end[state] - expected) <= error)
        assert not off.any(), (
            f"{state} of neuron {np.argmax(off)}: {end[state][off][0]!r}, oracle "
            f"{expected[off][0]!r}, bound {error[off][0]:.3g}"
        )
    if "refrac" in end:
        np.testing.assert_array_equal(end["refrac"][last], traces["refrac"][-1][last])
    return judged.mean(), spikes.any(axis=0).mean()


def span_of(pool, state):
    """Return the size of a considerable change of a state: that of float16 storage, declared."""
    span = pool.model.states[state].span
    if callable(span):
        span = np.mean(span(**{a: pool.params[a] for a in span.__code__.co_varnames}))
    return float(span)


@CASE
def test_many_steps_in_float64(target, name, scheme):
    part, spiked = judge(name, scheme, "float64", target, seed=1, steps=60, dt=0.25)
    assert part > 0.98 and spiked > 0.3


# GLIF1 has the kernel of LIF, GLIF2 and GLIF4 have parts of GLIF5's.
@pytest.mark.parametrize(
    ("name", "scheme"), [c for c in CASES if c[0] not in ("glif1", "glif2", "glif4")]
)
def test_one_step_and_several_in_float32(target, name, scheme):
    for steps in (1, 8):
        part, spiked = judge(name, scheme, "float32", target, seed=steps, steps=steps)
        assert part > 0.9 and spiked > 0.01


@pytest.mark.parametrize(
    ("name", "scheme"), [("hh_traub", "strang"), ("glif5", "exact"), ("adex", "upstroke")]
)
def test_one_step_in_float16(target, name, scheme):
    part, spiked = judge(name, scheme, "float16", target, seed=1, steps=1)
    assert part > 0.98 and spiked > 0.01


@pytest.mark.parametrize(
    ("name", "scheme"), [("hh_traub", "strang"), ("glif5", "exact"), ("adex", "upstroke")]
)
def test_silent_frozen_and_clamped_neurons_with_substeps_and_pulses(target, name, scheme):
    part, spiked = judge(name, scheme, "float64", target, seed=2, steps=20, substeps=3, pulses=True)
    assert part > 0.98 and spiked > 0.1
