"""The compiled PTX, executed: the CPU backend's bits, whatever the launch looks like.

State, spikes and traces of every model, scheme and precision, for five architectures, block sizes,
sizes across warp and block borders, windows, batches and orders of blocks and warps.
"""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from thorough import in_turn, thorough

from spikecuda import Constant, GPUNeuronPool, Noise, Poisson, Uniform
from spikecuda.devices.emulated.device import CudaEmuDevice

ARCHITECTURES = [(7, 5), (8, 6), (9, 0), (10, 0), (12, 0)]
CASES = [
    ("lif", "exact", (0.0, 4000.0), {}),
    ("lif", "exact", (0.0, 4000.0), {"t_ref": 0.0}),
    ("adex", "euler", (0.0, 4000.0), {}),
    ("adex", "heun", (0.0, 4000.0), {"t_ref": 0.5}),
    ("adex", "upstroke", (0.0, 4000.0), {}),
    ("adex", "upstroke", (0.0, 4000.0), {"t_ref": 0.5}),
    ("izhikevich", "half_steps", (0.0, 60.0), {}),
    ("izhikevich", "semi_implicit_euler", (0.0, 60.0), {}),
    ("izhikevich", "forward_euler", (0.0, 60.0), {}),
]
NAMES = [f"{m}-{s}{'-' + '-'.join(map(str, p)) if p else ''}" for m, s, _, p in CASES]
PRECISIONS = ["float16", "float32", "float64"]


def run(case, precision, size, parts, seed, noisy=False, traced=False, **options):
    """Return the spikes and the bytes of state and traces of a pool."""
    model, scheme, current, params = case
    options.setdefault("device", "cpu")
    with GPUNeuronPool(
        size, model, precision=precision, scheme=scheme, params=params, seed=seed,
        initial={"v": Uniform(-70.0, -52.0)}, **options,
    ) as pool:  # fmt: skip
        drive = [Constant(np.random.default_rng(seed).uniform(*current, size))]
        if noisy:
            drive += [Noise(current[1] / 10), Poisson(np.linspace(0.0, 4000.0, size), 0.3)]
        record = ("spikes", "v") if traced else "spikes"
        spikes, traces = [], []
        for steps in parts:
            result = pool.run(steps=steps, input=drive, record=record)
            spikes.append((result.spikes.step.tobytes(), result.spikes.neuron.tobytes()))
            traces += [result.traces[name].tobytes() for name in result.traces]
        joined = tuple(b"".join(s) for s in zip(*spikes, strict=True))
        state = {name: pool.state[name].tobytes() for name in pool.state}
        return joined, b"".join(traces), state, len(joined[1]) // 4


# Every kernel on an architecture, every architecture with kernels of each precision.
KERNELS = [
    pytest.param(case, precision, cc, id=f"{name}-{precision}-sm_{cc[0]}{cc[1]}")
    for i, (case, name) in enumerate(zip(CASES, NAMES, strict=True))
    for j, precision in enumerate(PRECISIONS)
    for k, cc in enumerate(ARCHITECTURES)
    if thorough() or k == (i + 2 * j) % 5
]


@pytest.mark.parametrize("case, precision, cc", KERNELS)
def test_every_kernel_on_every_architecture(case, precision, cc):
    expected = run(case, precision, 515, (60,), 1)
    device = CudaEmuDevice(cc=cc)
    assert run(case, precision, 515, (60,), 1, device=device) == expected
    assert expected[3] > 50
    device.close()


# What the newer models have that the others do not, each on one architecture of each optimiser.
NEWER = [
    ("eif", "euler", (0.0, 2000.0), "float32", (8, 6)),
    ("eif", "heun", (0.0, 2000.0), "float32", (9, 0)),
    ("eif", "upstroke", (0.0, 2000.0), "float32", (10, 0)),
    ("glif3", "mean_current", (0.0, 3000.0), "float64", (8, 6)),
    ("qif", "exact", (0.0, 6000.0), "float32", (10, 0)),
    ("lif_cond", "exponential", (0.0, 2000.0), "float32", (8, 6)),
    ("hh_traub", "strang", (0.0, 2000.0), "float16", (10, 0)),
    ("hh_traub", "strang", (0.0, 2000.0), "float32", (8, 6)),
    ("hh_traub", "strang", (0.0, 2000.0), "float64", (9, 0)),
    ("glif5", "exact", (0.0, 3000.0), "float32", (10, 0)),
    ("glif5", "exact", (0.0, 3000.0), "float16", (8, 6)),
]


@pytest.mark.parametrize(
    "model, scheme, current, precision, cc", NEWER,
    ids=[f"{m}-{s}-{p}-sm_{cc[0]}{cc[1]}" for m, s, _, p, cc in NEWER],
)  # fmt: skip
def test_newer_models(model, scheme, current, precision, cc):
    case = (model, scheme, current, {})
    expected = run(case, precision, 515, (60,), 1)
    device = CudaEmuDevice(cc=cc)
    assert run(case, precision, 515, (60,), 1, device=device) == expected
    assert expected[3] > 50
    device.close()


NOISY = itertools.product((0, 3), PRECISIONS, [(7, 5), (12, 0)])


@pytest.mark.parametrize(
    "case, precision, cc",
    [pytest.param(CASES[c], *rest, id=f"{NAMES[c]}-{rest[0]}-sm_{rest[1][0]}{rest[1][1]}")
     for c, *rest in in_turn(NOISY, lambda item: item[:2])],
)  # fmt: skip
def test_noise_poisson_and_traces(case, precision, cc):
    expected = run(case, precision, 300, (41,), 2, noisy=True, traced=True)
    device = CudaEmuDevice(cc=cc)
    assert run(case, precision, 300, (41,), 2, noisy=True, traced=True, device=device) == expected
    assert expected[3] > 20
    device.close()


@pytest.fixture(scope="module")
def devices():
    """Emulated devices by (architecture, block, order), kept so that kernels are built once."""
    made = {}

    def get(cc, block, seed):
        key = (cc, block, seed)
        if key not in made:
            made[key] = CudaEmuDevice(cc=cc, block=block, seed=seed)
        return made[key]

    yield get
    for device in made.values():
        device.close()


@settings(max_examples=40, deadline=None)
@given(
    case=st.sampled_from([CASES[0], CASES[2], CASES[4]]),
    precision=st.sampled_from(PRECISIONS),
    cc=st.sampled_from([(7, 5), (9, 0), (12, 0)]),
    block=st.sampled_from([32, 64, 96, 256, 1024]),
    order=st.sampled_from([None, 1, 2]),
    size=st.sampled_from([1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129, 1023, 1024, 1025, 2049]),
    parts=st.lists(st.integers(1, 20), min_size=1, max_size=3),
    window=st.sampled_from([None, 1, 3, 16]),
    data=st.data(),
)
def test_any_launch_gives_the_same_bits(
    devices, case, precision, cc, block, order, size, parts, window, data
):
    batch = data.draw(st.one_of(st.none(), st.integers(1, size)), "batch_size")
    seed = data.draw(st.integers(0, 2**64 - 1), "seed")
    expected = run(case, precision, size, (sum(parts),), seed)
    device = devices(cc, block, order)
    found = run(case, precision, size, parts, seed, device=device, batch_size=batch, window=window)
    assert found == expected


WATCHED = itertools.product((0, 2), ["float16", "float32"], ["check", "race"])


@pytest.mark.parametrize(
    "case, precision, mode",
    [pytest.param(CASES[c], *rest, id=f"{NAMES[c]}-{'-'.join(rest)}")
     for c, *rest in in_turn(WATCHED, lambda item: item[:2])],
)  # fmt: skip
def test_no_stray_access_and_no_race(case, precision, mode):
    expected = run(case, precision, 77, (12,), 3, noisy=True, traced=True)
    device = CudaEmuDevice(mode=mode, block=64)
    found = run(
        case, precision, 77, (12,), 3, noisy=True, traced=True, device=device, batch_size=40
    )
    assert found == expected
    device.close()


def test_windows_are_captured_once_and_replayed():
    device = CudaEmuDevice()
    with GPUNeuronPool(100, "lif", device=device, window=10, batch_size=64) as pool:
        before = pool.metrics().launches
        pool.run(steps=95, input=300.0)
        # ten windows of two batches and one step of the clock
        assert pool.metrics().launches - before == 10 * 3
    device.close()
