"""Balance: all neurons placed, devices finish together, memories hold; beside scipy's optimum."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from spikecuda.placement.load_balance import WORTH, Task, balance, evenly, finish

COSTS = st.floats(0.05, 20.0)


@st.composite
def tasks(draw, memory=False, devices=(1, 4)):
    types, width = draw(st.integers(1, 4)), draw(st.integers(*devices))
    counts = draw(st.lists(st.integers(1, 10**6), min_size=types, max_size=types))
    seconds = [draw(st.lists(COSTS, min_size=width, max_size=width)) for _ in range(types)]
    sizes = draw(st.lists(st.sampled_from([6.0, 10.0, 14.0]), min_size=types, max_size=types))
    homes = sorted(draw(st.lists(st.integers(0, width - 1), min_size=width, max_size=width)))
    homes = [sorted(set(homes)).index(home) for home in homes]
    total = sum(n * size for n, size in zip(counts, sizes, strict=True))
    places = len(set(homes))
    share = st.floats(0.2, 1.5) if memory else st.just(2.0)
    available = [total * draw(share) for _ in range(places)]
    return Task(counts, seconds, sizes, homes, available)


def optimum(task):
    """Return the soonest finish: a linear program in neurons and the finish."""
    types, devices = len(task.counts), len(task.homes)
    scale = np.array(task.counts, float)
    place = np.zeros((types, types * devices + 1))
    time = np.zeros((devices, types * devices + 1))
    memory = np.zeros((len(task.available), types * devices + 1))
    for t in range(types):
        for d in range(devices):
            at = t * devices + d
            place[t, at] = 1.0
            time[d, at] = scale[t] * task.seconds[t][d]
            memory[task.homes[d], at] = scale[t] * task.sizes[t]
    time[:, -1] = -scale.sum()
    aim = np.zeros(types * devices + 1)
    aim[-1] = scale.sum()
    found = linprog(
        aim, A_eq=place, b_eq=np.ones(types), A_ub=np.vstack([time, memory]),
        b_ub=[0.0] * devices + list(task.available), method="highs",
    )  # fmt: skip
    return found.fun if found.success else None


@settings(max_examples=60)
@given(tasks(memory=True))
def test_all_are_placed_and_memories_hold(task):
    placed = balance(task)
    if placed is None:
        # In a row nothing is lost between devices: only too little memory in all is refused.
        need = sum(n * size for n, size in zip(task.counts, task.sizes, strict=True))
        assert need > sum(task.available) * (1 - 1e-6)
        return
    for count, neurons in zip(task.counts, placed, strict=True):
        assert min(neurons) >= 0.0 and sum(neurons) == pytest.approx(count, rel=1e-5)
    for home, there in enumerate(task.available):
        held = sum(
            n * size for neurons, size in zip(placed, task.sizes, strict=True)
            for n, at in zip(neurons, task.homes, strict=True) if at == home
        )  # fmt: skip
        assert held <= there * (1 + 1e-6)
    best = optimum(task)
    assert best is not None and finish(task, placed) >= best * (1 - 1e-4)


@settings(max_examples=60)
@given(tasks(devices=(1, 2)))
def test_two_devices_finish_as_soon_as_can_be(task):
    # What is good for one of two devices is at one end of the row: the row's cut is optimal.
    assert finish(task, balance(task)) <= optimum(task) / WORTH * (1 + 1e-4)


@settings(max_examples=60)
@given(tasks(devices=(2, 4)))
def test_never_later_than_evenly(task):
    assert finish(task, balance(task)) <= finish(task, evenly(task)) * (1 + 1e-9)


@given(st.lists(st.integers(1, 10**6), min_size=1, max_size=4), st.integers(1, 6))
def test_alike_devices_share_every_type(counts, devices):
    task = Task(
        counts, [[0.1 * (t + 1)] * devices for t in range(len(counts))], [10.0] * len(counts),
        [0] * devices, [1e12],
    )  # fmt: skip
    for count, neurons in zip(counts, balance(task), strict=True):
        assert neurons == pytest.approx([count / devices] * devices)


def test_types_go_where_they_are_cheap():
    task = Task([1000, 1000], [[1.0, 2.0], [2.0, 1.0]], [8.0, 8.0], [0, 1], [1e9, 1e9])
    assert balance(task) == [[pytest.approx(1000), 0.0], [0.0, pytest.approx(1000)]]


def test_a_full_memory_leaves_the_rest_to_the_others():
    task = Task([1000], [[1.0, 1.0]], [10.0], [0, 1], [1000.0, 1e9])
    ((first, second),) = balance(task)
    assert first == pytest.approx(100) and second == pytest.approx(900, rel=1e-5)
    assert balance(Task([1000], [[1.0, 1.0]], [10.0], [0, 1], [1000.0, 1000.0])) is None
