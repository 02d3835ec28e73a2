"""Every input of model time: the same bits however runs are split, on every device."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from kinds import BACKGROUND, KINDS
from thorough import each_with_one

from spikecuda import (
    CorrelatedPoisson,
    GPUNeuronPool,
    MultiGPUNeuronSystem,
    Network,
    Noise,
    OrnsteinUhlenbeck,
    Poisson,
    Renewal,
    Sine,
    Waveform,
)
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.network import ExpCurrent

STEPS = 100
SPLITS = st.lists(st.integers(1, STEPS - 1), max_size=4).map(
    lambda cuts: np.diff([0, *sorted(set(cuts)), STEPS]).tolist()
)
POOLS = {
    "cpu": {"device": "cpu", "threads": 2},
    "batches": {"device": "cpu", "batch_size": 32, "window": 7},
    "cuda-emu": {"device": "cuda-emu"},
    "paged": {"device": "cuda-emu", "out_of_core": True, "batch_size": 32, "window": 16},
}
ENGINES = {
    "cpu": {"devices": "cpu", "threads": 2, "partitions": 3},
    "cuda-emu": {"devices": "cuda-emu"},
    "mixed": {"devices": ["cuda-emu:0", "cpu:0"]},
    "two": {"devices": ["cpu:0", "cpu:1"]},
}


def structure(kind):
    """Return what decides the kernel of an input."""
    return ResolvedInput(BACKGROUND + KINDS[kind](70), 70, 0.1, STEPS, "float32").spec


def pool_bits(kind, splits, precision="float32", count=70, **options):
    """Return all membrane potentials of a pool."""
    made, traces = KINDS[kind](count), []
    with GPUNeuronPool(count, precision=precision, seed=3, **options) as pool:
        for steps in splits:
            # Not the same object each time: what it has worked out is no part of it.
            some = made if steps % 2 else KINDS[kind](count)
            run = pool.run(steps=steps, input=BACKGROUND + some, record="v")
            traces.append(run.traces["v"])
    return np.concatenate(traces).tobytes()


@pytest.fixture(scope="module")
def whole():
    """The bits of a run in one piece on one thread, by what is asked for."""
    known = {}

    def get(make, *key):
        if (make, key) not in known:
            known[make, key] = make(*key)
        return known[make, key]

    return get


def in_one_piece(kind, precision):
    return pool_bits(kind, [STEPS], precision, device="cpu", threads=1)


@pytest.mark.parametrize("device", POOLS)
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=4)
@given(SPLITS)
def test_pools(whole, kind, device, splits):
    expected = whole(in_one_piece, kind, "float32")
    assert pool_bits(kind, splits, **POOLS[device]) == expected


@pytest.mark.parametrize("kind", ["columns", "ou each", "spikes rows", "spikes gamma"])
def test_chunks_of_neurons_side_by_side(kind):
    """Rows of more than a chunk of neurons are written by several threads."""
    expected = pool_bits(kind, [STEPS], count=2500, device="cpu", threads=1)
    assert pool_bits(kind, [3, 70, 27], count=2500, device="cpu", threads=3) == expected
    assert pool_bits(kind, [50, 50], count=2500, device="cuda-emu", window=40) == expected


@pytest.mark.parametrize(
    "kind, precision", each_with_one(list(KINDS), ["float16", "float64"], structure)
)
def test_precisions(whole, kind, precision):
    expected = whole(in_one_piece, kind, precision)
    assert pool_bits(kind, [1, 60, 39], precision, device="cuda-emu") == expected


def system_bits(kind, splits, devices):
    given = {"lif": BACKGROUND + KINDS[kind](40), "adex": BACKGROUND + KINDS[kind](30)}
    traces = []
    shares = {"lif": 40 / 70, "adex": 30 / 70}
    with MultiGPUNeuronSystem(
        70, neuron_types=["lif", "adex"], shares=shares, devices=devices, seed=4
    ) as system:
        assert system.counts == {"lif": 40, "adex": 30}
        for steps in splits:
            results = system.run(steps=steps, input=given, record="v")
            traces.append(np.hstack([results.parts[name].traces["v"] for name in given]))
    return np.concatenate(traces).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_systems(kind):
    expected = system_bits(kind, [STEPS], "cpu")
    assert system_bits(kind, [3, 60, 37], ["cpu:0", "cuda-emu:0"]) == expected


def network_bits(names, splits, receptors, second="lif", **options):
    """Return all membrane potentials of a network that some inputs drive, views as well."""
    rng = np.random.default_rng(1)
    some = np.sort(rng.choice(90, 40, replace=False))
    with Network(seed=5, **options) as net:
        arrivals = {f"r{i}": ExpCurrent(2.0 + i) for i in range(receptors)}
        net.population("A", 40, receptors=arrivals)
        net.population("B", 90, second, receptors=arrivals)
        for target in ("A", net["B"][some]):
            for name in names:
                made = KINDS[name](40)
                net.drive(target, made, None if made.current else "r0")
        for name in ("A", "B"):
            net.drive(name, 150.0)
            net.record(name, "v")
        traces = []
        for steps in splits:
            made = net.run(steps * net.dt).traces
            traces.append(np.hstack([made["A"]["v"], made["B"]["v"]]))
        return np.concatenate(traces).tobytes()


@pytest.mark.parametrize("kind", KINDS)
def test_networks(kind):
    expected = network_bits([kind], [STEPS], 1, devices="cpu", threads=1)
    # The other one has them in ``test_networks_with_all_of_them``.
    engine = ("cpu", "cuda-emu")[list(KINDS).index(kind) % 2]
    assert network_bits([kind], [1, 50, 7, 42], 1, **ENGINES[engine]) == expected, engine


def network_in_one_piece(receptors):
    return network_bits(KINDS, [STEPS], receptors, "adex", devices="cpu", threads=1)


@pytest.mark.parametrize("receptors", [1, 12])
@pytest.mark.parametrize("engine", ENGINES)
@settings(max_examples=1)
@given(SPLITS)
def test_networks_with_all_of_them(whole, engine, receptors, splits):
    """Together they take the kernel of many inputs, whose passes a table describes."""

    expected = whole(network_in_one_piece, receptors)
    assert network_bits(KINDS, splits, receptors, "adex", **ENGINES[engine]) == expected


def test_the_simulator():
    script = Path(__file__).parent / "simulated.py"
    done = subprocess.run(
        [sys.executable, script], capture_output=True, text=True,
        env={**os.environ, "NUMBA_ENABLE_CUDASIM": "1"},
    )  # fmt: skip
    assert done.stdout == f"same bits {len(KINDS)}\n", done.stderr


@pytest.mark.parametrize("kind", KINDS)
def test_trials_have_noise_of_their_own(kind):
    """What is drawn anew in a trial is that of a new object told the same; the rest stays."""
    made = KINDS[kind](40)

    def traces(net):
        return net.run(10.0).traces["A"]["v"].tobytes()

    def build(**options):
        net = Network(seed=5, devices="cpu", threads=1, **options)
        net.population("A", 40, "lif", receptors={"r": ExpCurrent(2.0)}, initial={"v": -55.0})
        net.drive("A", made, None if made.current else "r")
        net.record("A", "v")
        return net

    with build() as net, build(trial=3) as new:
        first = traces(net)
        net.reset(trial=3)
        again = traces(net)
        assert again == traces(new)
        random = type(made) in (CorrelatedPoisson, Noise, OrnsteinUhlenbeck, Poisson, Renewal)
        assert (again != first) == random
        net.reset(trial=0)
        assert traces(net) == first


def test_other_numbers_compile_nothing():
    """Kernels are those of a structure: numbers, lengths and times of an input are none of it."""
    pairs = [
        (Waveform([1.0], 1.0), Waveform([3.0, 2.0], 0.3, 7.0, "linear", "hold", "repeat")),
        (Waveform([[1.0, 2.0]], 1.0), Waveform(np.ones((9, 2)), 0.3)),
        (Sine(1.0, 1.0), Sine(2.0, 3.0, 4.0, 5.0, 6.0, 7.0)),
        (Sine([1.0, 1.0], 1.0, [0.0, 0.0]), Sine(2.0, 3.0, [4.0, 5.0], 5.0)),
        (Noise(1.0, 1.0, 1.0), Noise(9.0, 9.0, 3.0, 7.0)),
        (OrnsteinUhlenbeck(1.0, 1.0), OrnsteinUhlenbeck([9.0, 0.0], 900.0, 3.0, 4.0)),
        (Poisson(1.0, 1.0, 1.0), Poisson(lambda t: 900.0 * t, 2.0, 3.0, 7.0)),
        (Poisson(np.ones((2, 2)), 1.0), Poisson(Waveform([[900.0, 9e3]], 0.3), 2.0, 3.0)),
        (Renewal(1.0, 1.0), Renewal(Sine(9.0, 9.0, mean=9.0), 2.0, 3.0, 4.0, 5.0)),
        (CorrelatedPoisson(1.0, 1.0, 0.1), CorrelatedPoisson(90.0, 2.0, 0.9, 2.0)),
    ]  # fmt: skip
    for pair in pairs:
        specs = [ResolvedInput(term, 2, 0.1, 10, "float32").spec for term in pair]
        assert specs[0] == specs[1], pair


CHANGES = {
    "linear": {"gain": 2.0, "start": 3.0}, "sine": {"amplitude": 50.0, "stop": 25.0},
    "gated noise": {"sigma": 3.0, "stop": 18.0}, "ou": {"sigma": 30.0, "tau": 9.0},
    "spikes waveform": {"rate": Waveform([500.0], 1.0, after="hold")},
    "spikes function": {"stop": 16.0}, "spikes gamma": {"rate": 400.0, "stop": 25.0},
    "spikes copies": {"correlation": 0.9, "rate": 100.0},
}  # fmt: skip


@pytest.mark.parametrize("kind", CHANGES)
def test_drives_that_change_between_runs(kind):
    """What a drive's numbers are assigned acts from the next step on, wherever runs end."""
    traces = []
    for splits in ((10.0, 10.0), (0.3, 9.7, 4.0, 6.0)):
        with Network(seed=3, devices="cpu", threads=1) as net:
            net.population("a", 60, receptors={"e": ExpCurrent(5.0)})
            net.record("a", "v")
            made = KINDS[kind](40)
            drive = net.drive(net["a"][10:50], made, None if made.current else "e")
            found = []
            for k, duration in enumerate(splits):
                if k == len(splits) // 2:
                    drive.update(**CHANGES[kind])
                found.append(net.run(duration).traces["a"]["v"])
            traces.append(np.concatenate(found))
    assert traces[0].tobytes() == traces[1].tobytes()
    with Network(seed=3, devices="cpu", threads=1) as net:
        net.population("a", 60, receptors={"e": ExpCurrent(5.0)})
        net.record("a", "v")
        net.drive(net["a"][10:50], KINDS[kind](40), None if made.current else "e")
        plain = net.run(20.0).traces["a"]["v"]
    np.testing.assert_array_equal(plain[:100], traces[0][:100])
    assert (plain[100:] != traces[0][100:]).any()
