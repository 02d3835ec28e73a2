"""One rule turns times into steps, at every entry point: see spikecuda/common/time_grid.py."""

import math
import re
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import spikecuda
from spikecuda import (
    GPUNeuronPool,
    MultiGPUNeuronSystem,
    Network,
    Normal,
    Ramp,
    SpikecudaError,
    Spikes,
    Step,
    Uniform,
)
from spikecuda.analysis import power_spectrum, rate_histogram
from spikecuda.common.time_grid import (
    NEVER,
    first_step,
    nearest_step,
    nearest_steps,
    nearest_width,
    run_steps,
    whole_steps,
)
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.network import Delta, ExpCurrent, Pairs, SpikeTrain

GRIDS = [0.1, 0.025, 1 / 3, 1e-3]
# In steps: on the grid, half-way, and between.
PLACES = ["0", "1", "3", "7", "12", "299", "1/2", "3/2", "5/2", "7/2", "601/2", "11/5", "29/5"]


def exact(value):
    """The number that a user means, such as 1/3 and 0.65."""
    return Fraction(value).limit_denominator(10**6)


def times(dt):
    """Return times in ms as floats, and where they are on the grid, exactly."""
    pairs = [(float(Fraction(p) * exact(dt)), Fraction(p)) for p in PLACES]
    # What arithmetic makes of grid times.
    return [*pairs, (sum([dt] * 7), Fraction(7)), (np.nextafter(3 * dt, 9.0), Fraction(3))]


def half_up(place):
    return math.floor(place + Fraction(1, 2))


@pytest.mark.parametrize("dt", GRIDS)
def test_the_rule(dt):
    for time, place in times(dt):
        assert first_step(time, dt) == math.ceil(place), time
        assert nearest_step(time, dt) == half_up(place), time
        if place.denominator == 1:
            assert whole_steps("t", time, dt) == place
        else:
            with pytest.raises(SpikecudaError, match=r"t must be a multiple of dt.*; use "):
                whole_steps("t", time, dt)


@given(st.floats(0.0, 1e300, allow_subnormal=True), st.floats(1e-6, 1e3))
def test_arrays_go_by_the_same_rule(time, dt):
    assert nearest_steps(np.array([time]), dt)[0] == nearest_step(time, dt)
    # float32 means what it prints as, as far as it goes.
    step = nearest_step(float(np.float32(time)), dt) if time < 1e30 else NEVER
    assert nearest_steps(np.array([time], np.float32) if time < 1e30 else [time], dt)[0] == step


def test_float32_grid_times_are_grid_times():
    k = np.arange(1, 8000)
    for dt in GRIDS:
        for shift in (0.0, 0.5):  # half-way ones, too
            given_times = ((k + shift) * dt).astype(np.float32)
            np.testing.assert_array_equal(nearest_steps(given_times, dt), k + (shift > 0))
            assert [first_step(float(t), dt) for t in given_times[:500]] == [
                *(k[:500] + (shift > 0))
            ]


def test_huge_and_tiny_times():
    for dt in GRIDS:
        assert first_step(1e-300, dt) == nearest_step(1e-300, dt) == 0
        for never in (1e30, 1e300, math.inf, NEVER * dt):
            assert first_step(never, dt) == nearest_step(never, dt) == NEVER
            assert nearest_steps(np.array([never]), dt)[0] == NEVER
        steps = 2**52 + 1
        assert nearest_step(steps * 1.0, 1.0) == steps
        for bad in (math.inf, math.nan, -dt, 1e30):
            with pytest.raises(SpikecudaError, match="duration must be"):
                whole_steps("duration", bad, dt)


def test_errors_show_the_difference():
    with pytest.raises(SpikecudaError, match=r"multiple of dt = 0\.1 ms \(got 10\.001\); use 10"):
        whole_steps("t", 10.001, 0.1)
    with pytest.raises(SpikecudaError, match=r"\(got 100000000000\.001\); use 100000000000$"):
        whole_steps("t", 100000000000.001, 1 / 64)


@pytest.mark.parametrize("number", [np.float16, np.float32, np.float64, np.longdouble])
def test_numbers_of_any_numpy_type_are_the_same_times(number):
    with GPUNeuronPool(1, dt=number("0.1"), device="cpu") as pool:
        assert pool.dt == 0.1
        assert pool.run(number("10")).steps == 100
        assert pool.run(duration=np.array(0.3)).steps == 3
    for kind in (np.int8, np.uint64, int):
        assert run_steps(kind(3), None, 0.1) == 30
    assert Step(1.0, number("0.25"), number("0.5")).start == 0.25
    assert type(Step(1.0, number("0.25")).start) is float
    a, b = ExpCurrent(number("0.1")), ExpCurrent(0.1)
    assert a == b
    assert Normal(number("0.1"), 1.0) == Normal(0.1, 1.0)


def test_nothing_else_turns_times_into_steps():
    own = re.compile(r"\b(round|rint|floor|ceil|int)\([^()]*/ *([a-z_.]*\.)?(dt|DT)\b")
    root = Path(spikecuda.__file__).parent
    found = [
        f"{path.relative_to(root)}: {line.strip()}"
        for path in root.rglob("*.py")
        if path.name != "time_grid.py"
        for line in path.read_text(encoding="utf-8").splitlines()
        if own.search(line)
    ]
    assert not found


# Inputs.


@pytest.mark.parametrize("dt", GRIDS)
def test_steps_and_ramps_have_the_value_at_a_steps_start(dt):
    for start, first in times(dt):
        for stop, last in times(dt):
            if not stop > start:
                continue
            k = np.arange(400)
            on = [first <= i < last for i in k]
            drive = ResolvedInput(Step(1.0, start, stop), 1, dt, 400, "float64")
            np.testing.assert_array_equal(drive.window(0, 0, 400)["_wave"], on)
            each = ResolvedInput(Step([1.0, 2.0], start, stop), 2, dt, 400, "float64")
            np.testing.assert_array_equal(each.window(0, 0, 400)["_shape0"], on)
            ramp = ResolvedInput(Ramp(5.0, 6.0, start, stop), 1, dt, 400, "float64")
            np.testing.assert_array_equal(ramp.window(0, 0, 400)["_wave"] > 0, k >= first)


@pytest.mark.parametrize("never", [1e30, np.float32(1e30), math.inf])
def test_a_step_until_never_and_one_that_never_comes(never):
    drive = ResolvedInput(Step(1.0, 0.1, never), 1, 0.1, 9, "float64")
    assert drive.window(2**40, 0, 9)["_wave"].all()
    late = ResolvedInput(Step(1.0, 1e30), 1, 0.1, 9, "float64")
    assert not late.window(2**60, 0, 9)["_wave"].any()


def test_the_steps_of_fault_10_are_on_in_one_step():
    for start, step in ((0.55, 6), (0.65, 7)):
        with GPUNeuronPool(1, precision="float64", device="cpu") as pool:
            shift = Step(10.0, start, start + 0.1)
            v = pool.run(2.0, input=shift, record="v").traces["v"][:, 0]
        assert np.flatnonzero(np.diff(v, prepend=-65.0) > 0).tolist() == [step]


# Networks.


def network(dt, **more):
    net = Network(dt, precision="float64", threads=1, devices="cpu")
    passive = {"v_rest": 0.0, "v_th": 1e6, "v_reset": -1.0, "t_ref": 0.0}
    net.population("a", 2, params={**passive, **more}, initial={"v": 0.0}, receptors={"d": Delta()})
    return net


@pytest.mark.parametrize("dt", GRIDS)
def test_spikes_that_are_given_arrive_at_the_nearest_grid_point(dt):
    for shift in (0, 1):  # driven, and sent one step before
        for time, place in times(dt):
            if time == 0.0:
                continue
            net = network(dt)
            train = SpikeTrain([time, 1e30, math.inf], [0, 0, 1], 1.0)
            if shift:
                net.source("s", 2, train)
                net.connect("s", "a", "one_to_one", 1.0, dt)
            else:
                net.drive("a", train)
            net.record("a", "v")
            v = net.run(nearest_width(320 * dt, dt)).traces["a"]["v"]
            assert np.flatnonzero(v[:, 0])[0] == max(half_up(place), 1) - 1 + shift
            assert not v[:, 1].any()  # never comes
            net.close()


@pytest.mark.parametrize("dt", [0.1, 1 / 3])
def test_delays_are_rounded_alike_fixed_given_and_drawn(dt):
    for time, place in times(dt):
        if place < 1 or place.denominator > 2:
            continue
        for delay in (time, np.float32(time), [time], np.array([time], np.float32),
                      Normal(time, 0.0), Uniform(time, time)):  # fmt: skip
            net = network(dt)
            pairs = Pairs([0], [1])
            one = net.connect("a", "a", pairs, 1.0, delay)
            assert one.connections()["delay"] == pytest.approx([half_up(place) * dt])
            net.close()


@pytest.mark.parametrize("dt", GRIDS)
def test_refractory_periods_are_rounded_alike(dt):
    for time, place in times(dt):
        for value in (time, np.float32(time), np.full(3, time)):
            with GPUNeuronPool(3, dt=dt, params={"t_ref": value}, device="cpu") as pool:
                n_ref = pool.neuron_spec.constants.get("n_ref", np.zeros(1))
                assert (n_ref == half_up(place)).all(), (time, place)


@pytest.mark.parametrize("dt", GRIDS)
def test_durations_samples_and_windows_are_grid_times(dt):
    pool = GPUNeuronPool(1, dt=dt, device="cpu")
    system = MultiGPUNeuronSystem(1, 1, ["lif"], dt=dt, devices="cpu")
    net = network(dt)
    net.record("a", "v", every=np.float32(3 * dt))
    spikes = Spikes(np.array([0, 2]), np.array([0, 0], np.int32), dt)
    for time, place in times(dt):
        if place.denominator == 1:
            assert pool.run(time).steps == system.run(time).parts["lif"].steps == place
            assert net.run(np.float32(time)).duration == pytest.approx(place * dt)
            continue
        for refuses in (
            pool.run, system.run, net.run, lambda t: net.record("a", "v", every=t),
            lambda t: rate_histogram(spikes, 1, 0.0, 600 * dt, t),
            lambda t: rate_histogram(spikes, 1, t, 600 * dt, dt),
        ):  # fmt: skip
            with pytest.raises(SpikecudaError, match="multiple of dt"):
                refuses(time)
    for held in (pool, system, net):
        held.close()


def test_pools_and_systems_run_for_ms():
    with (
        GPUNeuronPool(1, dt=0.5, device="cpu") as pool,
        MultiGPUNeuronSystem(1, 1, ["lif"], dt=0.5, devices="cpu") as system,
    ):
        assert pool.run(5).steps == 10
        assert pool.run(steps=5).steps == 5
        assert system.run(5).parts["lif"].steps == 10
        for held in (pool, system):
            with pytest.raises(SpikecudaError, match="give either duration or steps"):
                held.run(5, steps=10)


def test_statistics_take_numbers_of_any_numpy_type():
    spikes = Spikes(np.arange(0, 4000, 7), np.zeros(572, np.int32), 0.1)
    for number in (np.float32, np.float64, np.longdouble):
        wide = [number(x) for x in ("0.3", "300.3", "0.7", "70.0")]
        plain = [0.3, 300.3, 0.7, 70.0]
        for statistic in (lambda a, b, c, d: rate_histogram(spikes, 1, a, b, c),
                          lambda a, b, c, d: power_spectrum(spikes, 1, a, b, c, d)):  # fmt: skip
            for one, other in zip(statistic(*wide), statistic(*plain), strict=True):
                np.testing.assert_array_equal(one, other)
    for bad in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(SpikecudaError, match="bin must be > 0 ms"):
            nearest_width(bad, 0.1)
