"""Accuracy: each model and precision beside the float64 oracle, spike by spike."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from spikecuda.common.time_grid import nearest_step
from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.report import oracle
from spikecuda.report.results import AccuracyPoint
from spikecuda.report.settings import Settings
from spikecuda.report.workloads import DT, WORKLOADS

# Spikes within this many ms are taken for the same.
COINCIDENCE = 1.0
Spiked = tuple[np.ndarray, np.ndarray]


def measure_accuracy(
    settings: Settings, device: str, tick: Callable[[str], None]
) -> list[AccuracyPoint]:
    """Return a point for each model, drive and precision."""
    points = []
    noise = oracle.NoiseRows(settings.seed, settings.accuracy_neurons)
    for drive in settings.drives:
        for model in settings.models:
            tick(f"{model}, {drive}: oracle")
            problem = make_problem(model, drive == "noise", settings)
            slices = list(oracle.simulate(problem, noise))
            expected = (
                np.concatenate([s for s, _ in slices]),
                np.concatenate([n for _, n in slices]),
            )
            for precision in settings.precisions:
                tick(f"{model}, {drive}: {precision}")
                got = run_pool(problem, precision, device)
                points.append(compare(problem, drive, precision, device, expected, got))
    return points


def make_problem(model: str, noisy: bool, settings: Settings) -> oracle.Problem:
    """Return a problem with start values that every precision holds exactly alike."""
    workload = WORKLOADS[model]
    count = settings.accuracy_neurons
    with GPUNeuronPool(
        count, model, precision="float64", dt=DT, seed=settings.seed, device="cpu",
        initial=workload.initial(),
    ) as pool:  # fmt: skip
        initial = {name: pool.state[name].astype(np.float64) for name in pool.model.states}
        params, scheme = pool.params, pool.scheme
    # Currents that float32 holds, so that a precision answers for its arithmetic only.
    current = workload.current(count, settings.seed).astype(np.float32).astype(np.float64)
    initial = {name: v.astype(np.float32).astype(np.float64) for name, v in initial.items()}
    return oracle.Problem(
        model=model, params=params, initial=initial, current=current,
        sigma=workload.sigma if noisy else 0.0, scheme=scheme,
        steps=nearest_step(settings.accuracy_duration, DT), dt=DT, seed=settings.seed,
    )  # fmt: skip


def run_pool(problem: oracle.Problem, precision: str, device: str) -> Spiked:
    """Return (step, neuron) of a pool's spikes."""
    from spikecuda.inputs.stimulus import Constant, Noise

    drive = [Constant(problem.current)]
    terms = [*drive, Noise(problem.sigma)] if problem.sigma else drive
    with GPUNeuronPool(
        problem.current.size, problem.model, precision=precision, dt=problem.dt,
        seed=problem.seed, device=device, initial=problem.initial,
    ) as pool:  # fmt: skip
        spikes = pool.run(steps=problem.steps, input=terms).spikes
    return spikes.step, spikes.neuron


def compare(
    problem: oracle.Problem,
    drive: str,
    precision: str,
    device: str,
    expected: Spiked,
    got: Spiked,
) -> AccuracyPoint:
    """Return the figures of a comparison."""
    duration = problem.steps * problem.dt
    seconds = duration / 1000.0 * problem.current.size
    rate, oracle_rate = got[0].size / seconds, expected[0].size / seconds
    error = np.round(np.abs(match(expected, got)) * problem.dt, 9)
    point = AccuracyPoint(
        model=problem.model, precision=precision, device=device, drive=drive, oracle=oracle.NAME,
        neurons=problem.current.size, duration=duration, dt=problem.dt,
        spikes=int(got[0].size), oracle_spikes=int(expected[0].size),
        rate=rate, oracle_rate=oracle_rate,
        rate_error=(rate - oracle_rate) / oracle_rate if oracle_rate else None,
        matched=int(error.size), identical=None,
        coincident=coincident(expected, got, nearest_step(COINCIDENCE, problem.dt)),
        time_error_median=None, time_error_p99=None, time_error_max=None,
    )  # fmt: skip
    if not error.size:
        return point
    return replace(
        point,
        identical=float(np.mean(error == 0.0)),
        time_error_median=float(np.median(error)),
        time_error_p99=float(np.percentile(error, 99.0)),
        time_error_max=float(error.max()),
    )


def match(expected: Spiked, got: Spiked) -> np.ndarray:
    """Return the differences in steps of the k-th spikes of each neuron, where both have one."""
    (ordered_a, rank_a), (ordered_b, rank_b) = _ranked(expected), _ranked(got)
    keys_a = ordered_a[1].astype(np.int64) << 32 | rank_a
    keys_b = ordered_b[1].astype(np.int64) << 32 | rank_b
    _, in_a, in_b = np.intersect1d(keys_a, keys_b, assume_unique=True, return_indices=True)
    return ordered_b[0][in_b].astype(np.int64) - ordered_a[0][in_a].astype(np.int64)


def coincident(expected: Spiked, got: Spiked, within: int) -> float | None:
    """Return the fraction of expected spikes with one of the same neuron ``within`` steps."""
    if not expected[0].size:
        return None
    far = np.int64(1) << 40
    there = np.sort(got[1].astype(np.int64) * far + got[0])
    # Sentinels stand for neurons that have no spike on one side.
    there = np.concatenate(([-far], there, [np.iinfo(np.int64).max]))
    wanted = expected[1].astype(np.int64) * far + expected[0]
    after = np.searchsorted(there, wanted)
    nearest = np.minimum(there[after] - wanted, wanted - there[after - 1])
    return float(np.mean(nearest <= within))


def _ranked(spiked: Spiked) -> tuple[Spiked, np.ndarray]:
    """Return the spikes sorted by neuron, then step, and each one's number within its neuron."""
    step, neuron = spiked
    order = np.lexsort((step, neuron))
    step, neuron = step[order], neuron[order]
    starts = np.searchsorted(neuron, neuron, side="left")
    return (step, neuron), np.arange(step.size) - starts
