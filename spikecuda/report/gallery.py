"""What the three models do: rasters and membrane traces for the gallery."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from spikecuda.pool.pool import GPUNeuronPool
from spikecuda.report.results import GalleryPoint
from spikecuda.report.settings import Settings
from spikecuda.report.workloads import DT, WORKLOADS

NEURONS, DURATION = 200, 400.0
# Which neurons' traces are shown: fractions of the range of currents.
SHOWN = (0.35, 0.95)


@dataclass(frozen=True)
class GalleryData:
    """A model's population, driven by currents that rise with the neuron's number.

    Attributes:
        model: its name.
        point: the figures for the report.
        spike_time: ms.
        spike_neuron: number of the neuron.
        current: of each neuron, in ``unit``.
        unit: the current's unit.
        time: ms, of the traces.
        traces: mV, (shown, steps).
        shown: the neurons of the traces.
    """

    model: str
    point: GalleryPoint
    spike_time: np.ndarray
    spike_neuron: np.ndarray
    current: np.ndarray
    unit: str
    time: np.ndarray
    traces: np.ndarray
    shown: list[int]


def make_gallery(settings: Settings, device: str, tick: Callable[[str], None]) -> list[GalleryData]:
    """Return the data of each model."""
    result = []
    for model in settings.models:
        tick(model)
        workload = WORKLOADS[model]
        current = workload.ordered(NEURONS)
        with GPUNeuronPool(NEURONS, model, dt=DT, seed=settings.seed, device=device) as pool:
            run = pool.run(duration=DURATION, input=current, record=["spikes", "v"])
            rate = pool.metrics().mean_rate
        shown = [round(part * (NEURONS - 1)) for part in SHOWN]
        point = GalleryPoint(model, NEURONS, DURATION, len(run.spikes), rate)
        result.append(
            GalleryData(
                model,
                point,
                run.spikes.time,
                run.spikes.neuron,
                current,
                workload.unit,
                run.time,
                run.traces["v"][:, shown].T.copy(),
                shown,
            )
        )
    return result
