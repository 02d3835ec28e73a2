"""Space-time filters: against plain loops, and properties that cells are known for."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import GPUNeuronPool, Poisson, SpikecudaError
from spikecuda.inputs import biphasic, difference_of_gaussians, space_time_rates


@settings(max_examples=25)
@given(
    st.integers(1, 300), st.integers(1, 4), st.integers(1, 3), st.integers(1, 5),
    st.integers(0, 2**32), st.booleans(),
)  # fmt: skip
def test_rates_are_those_of_plain_loops(frames, neurons, parts, taps, numbers, each):
    rng = np.random.default_rng(numbers)
    film = rng.normal(size=(frames, 2, 3))
    shape = (neurons, taps) if each else (taps,)
    made = [(rng.normal(size=(neurons, 2, 3)), rng.normal(size=shape)) for _ in range(parts)]
    baseline, gain = rng.uniform(0.0, 9.0, neurons), 3.0
    wave = space_time_rates(film, made, 5.0, baseline=baseline, gain=gain, most=20.0, start=2.0)
    assert (wave.dt, wave.start, wave.interpolation) == (5.0, 2.0, "hold")
    for t in {0, frames // 2, frames - 1}:
        for n in range(neurons):
            linear = 0.0
            for space, time in made:
                course = time[n] if each else time
                for tap in range(min(taps, t + 1)):
                    linear += course[tap] * (space[n] * film[t - tap]).sum()
            expected = min(20.0, max(0.0, baseline[n] + gain * linear))
            assert wave.values[t, n] == pytest.approx(expected, abs=1e-10)
    if parts == 1:
        one = space_time_rates(film, made[0], 5.0, baseline=baseline, gain=gain, most=20.0)
        np.testing.assert_array_equal(one.values, wave.values)
        flat = (made[0][0].reshape(neurons, -1), made[0][1])
        pixels = film.reshape(frames, -1)
        one = space_time_rates(pixels, flat, 5.0, baseline=baseline, gain=gain, most=20.0)
        np.testing.assert_array_equal(one.values, wave.values)


def test_fields_have_a_centre_and_a_surround():
    fields = difference_of_gaussians(
        [[10.0, 8.0]], (41, 51), center=0.8, surround=2.0, balance=0.9, spacing=0.4
    )
    assert fields.shape == (1, 41, 51)
    # Of a pixel's area: 1 in the whole, whatever the spacing; both bells end within the film.
    assert fields.sum() == pytest.approx(1 - 0.9, abs=1e-3)
    top = np.unravel_index(fields[0].argmax(), (41, 51))
    assert top == (20, 25)
    peak = 0.16 / (2 * math.pi) * (1 / 0.64 - 0.9 / 4.0)
    assert fields[0, 20, 25] == pytest.approx(peak, rel=1e-12)
    row = fields[0, 20, 25:]
    assert (row[:3] > 0).all() and (row[5:] < 0).all()
    np.testing.assert_allclose(fields[0, 20, 20:31], fields[0, 15:26, 25], rtol=1e-12)


def test_a_biphasic_course_answers_to_changes():
    """Its integral is 0, so a stimulus that stays is forgotten; analytically: 1 - 1."""
    course = biphasic(0.5, rate=0.15, duration=400.0)
    assert course.sum() == pytest.approx(0.0, abs=1e-6)
    t = 0.5 * np.arange(course.size)
    turn = t[np.flatnonzero((course[:-1] > 0) & (course[1:] < 0))[0]]
    assert turn == pytest.approx(math.sqrt(42) / 0.15, abs=0.5)
    step = np.ones((800, 1))
    rates = space_time_rates(step, ([[1.0]], course), 0.5, baseline=20.0, gain=50.0).values[:, 0]
    assert rates.max() > 30.0 and rates[-1] == pytest.approx(20.0, abs=1e-3)


def test_a_drifting_grating_modulates_a_cell():
    """Two periods of rates: their mean, and the amplitude that Fourier transforms give."""
    dt, frequency, wave = 1.0, 5.0, 8.0
    x, t = np.arange(64), np.arange(1000) * dt
    phase = 2 * np.pi * (x / wave - frequency * 1e-3 * t[:, None])
    film = np.cos(phase)[:, None, :] * np.ones((1, 64, 1))
    fields = difference_of_gaussians(
        [[32.0, 32.0]], (64, 64), center=1.0, surround=3.0, balance=0.8
    )
    course = biphasic(dt)
    got = space_time_rates(film, (fields, course), dt, baseline=50.0, gain=100.0).values[600:, 0]
    k = 2 * math.pi / wave
    space = math.exp(-(k**2) / 2) - 0.8 * math.exp(-9 * k**2 / 2)
    angle = 2 * np.pi * frequency * 1e-3 * dt * np.arange(course.size)
    time = abs((course * np.exp(-1j * angle)).sum())
    assert got.mean() == pytest.approx(50.0, rel=1e-6)
    first = 2 * abs(np.fft.rfft(got)[2]) / got.size
    assert first == pytest.approx(100.0 * space * time, rel=1e-3)


def test_they_drive_neurons():
    film = np.zeros((40, 8, 8))
    film[10:20] = 1.0
    fields = difference_of_gaussians([[2.0, 2.0], [5.0, 5.0]], (8, 8), balance=0.0)
    rates = space_time_rates(film, (fields, [1.0]), 5.0, baseline=1.0, gain=400.0)
    with GPUNeuronPool(2, "parrot", seed=1, device="cpu") as pool:
        spikes = pool.run(200.0, input=Poisson(rates, 1.0)).spikes
    times = spikes.step * 0.1
    inside = ((times >= 50.0) & (times < 100.0)).sum()
    expected = rates.values[10:20].sum() * 5e-3
    assert abs(inside - expected) < 5 * math.sqrt(expected)
    assert (~((times >= 50.0) & (times < 100.0))).sum() < 5


FILM, FIELD = np.zeros((5, 2, 3)), np.ones((4, 2, 3))


@pytest.mark.parametrize(("make", "words"), [
    (lambda: difference_of_gaussians([1.0, 2.0], (3, 3)), r"shape \(neurons, 2\)"),
    (lambda: difference_of_gaussians([[1.0, math.nan]], (3, 3)), "positions must be finite"),
    (lambda: difference_of_gaussians([[1.0, 2.0]], 3), r"shape must be \(rows, columns\)"),
    (lambda: difference_of_gaussians([[1.0, 2.0]], (3, 0)), "shape must be from 1"),
    (lambda: difference_of_gaussians([[1.0, 2.0]], (3, 3), center=0.0), "center must be > 0"),
    (lambda: difference_of_gaussians([[1.0, 2.0]], (3, 3), balance=-1.0), "balance must be >= 0"),
    (lambda: difference_of_gaussians([[1.0, 2.0]], (2**20, 2**20)), "receptive fields"),
    (lambda: biphasic(0.0), "dt must be > 0 ms"),
    (lambda: biphasic(1.0, rate=-1.0), "rate must be > 0 1/ms"),
    (lambda: biphasic(1e-9), "duration must be at most"),
    (lambda: space_time_rates(np.zeros(3), (FIELD, [1.0]), 1.0), "stimulus must have shape"),
    (lambda: space_time_rates(FILM * np.nan, (FIELD, [1.0]), 1.0), "stimulus must be finite"),
    (lambda: space_time_rates(FILM, (FIELD[:, :1], [1.0]), 1.0), r"space .* \(neurons, 2, 3"),
    (lambda: space_time_rates(FILM, (FIELD, np.ones((2, 3))), 1.0), r"time must have shape"),
    (lambda: space_time_rates(FILM, (FIELD, []), 1.0), "time must have shape"),
    (lambda: space_time_rates(FILM, FIELD, 1.0), r"parts must be a tuple \(space"),
    (lambda: space_time_rates(FILM, [], 1.0), r"parts must be a tuple \(space"),
    (lambda: space_time_rates(FILM, [FIELD], 1.0), r"parts must be a tuple \(space"),
    (lambda: space_time_rates(FILM, [(FIELD, [1.0]), (FIELD[:2], [1.0])], 1.0), "the same neurons"),
    (lambda: space_time_rates(FILM, (FIELD, [1.0]), -1.0), "dt must be > 0 ms"),
    (lambda: space_time_rates(FILM, (FIELD, [1.0]), 1.0, gain=[1.0, 2.0]), "gain must be one"),
    (lambda: space_time_rates(FILM, (FIELD, [1.0]), 1.0, most=0.0), "most must be > 0 Hz"),
])  # fmt: skip
def test_refused(make, words):
    with pytest.raises(SpikecudaError, match=words):
        make()
