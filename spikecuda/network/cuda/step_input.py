"""Input of a run on a CUDA device that differs between steps, and given spikes."""

from collections.abc import Mapping, Sequence

import numpy as np

from spikecuda.devices.base import Staging
from spikecuda.kernels.spec import STEP_CURRENT
from spikecuda.network.cuda.fused_populations import FusedPopulations
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.window_buffers import WindowBuffers
from spikecuda.network.run.partition import STEP_BITS
from spikecuda.network.run.window import step_input


class Inputs:
    """What is copied to the device for each slot.

    Args:
        context: of the run.
        all_fused: the groups of fused populations of the partition.
    """

    def __init__(self, context: RunContext, all_fused: Sequence[FusedPopulations]) -> None:
        self._context, self._cohorts = context, all_fused

    def names(self, fused: FusedPopulations) -> set[str]:
        """Return the kernel arguments of fused populations that are such input."""
        return set(self._one(fused))

    def rows(self) -> list[dict[str, Staging]]:
        """Return a slot's buffers for input of each step, by argument, for each launch."""
        context, result = self._context, []
        for fused in self._cohorts:
            staged = {}
            for name, array in self._one(fused).items():
                row = context.resident.share.size if name == STEP_CURRENT else array.size
                staged[name] = context.staged(
                    name.strip("_"), context.most_steps * row, array.dtype
                )
            result.append(staged)
        return result

    def given(self) -> tuple[Staging, Staging]:
        """Return a slot's buffers for given spikes, and for the end of each window's in them."""
        context = self._context
        return (
            context.staged("given spikes", context.request.external.size, np.int64),
            context.staged("bounds", context.resident.windows + 2, np.int64),
        )

    def feed(self, slot: WindowBuffers, external: np.ndarray, lengths: Sequence[int]) -> None:
        """Copy the input of a slot's steps to the device.

        Args:
            slot: the host is done with its last input.
            external: given spikes of its steps, sorted.
            lengths: of its windows.
        """
        device, clock = self._context.device, slot.listed.clock
        clock.edit(4)[:] = (slot.start, 0, 0, 0)
        device.upload(clock, 4)
        for fused, staged in zip(self._cohorts, slot.rows, strict=True):
            if staged:
                self._feed(slot, fused, staged)
        if slot.given:
            spikes, bounds = slot.given
            ends = slot.start + np.cumsum(lengths)
            bounds.edit(ends.size + 1)[:] = [0, *np.searchsorted(external, ends << STEP_BITS)]
            device.upload(bounds, ends.size + 1)
            if external.size:
                spikes.edit(external.size)[:] = external
                device.upload(spikes, external.size)

    def _one(self, fused: FusedPopulations) -> dict[str, np.ndarray]:
        """Return the input of fused populations of one step."""
        request, g = self._context.request, fused.populations[0]
        population = self._context.resident.neurons[g].population
        return step_input(request.drives[g][0], fused.spec, population.neurons, request.start, 0, 1)

    def _feed(
        self, slot: WindowBuffers, fused: FusedPopulations, staged: Mapping[str, Staging]
    ) -> None:
        """Copy the input of fused populations of each step to the device."""
        p, request, device = self._context.resident, self._context.request, self._context.device
        drive = None
        for g in fused.populations:
            found = step_input(
                request.drives[g][0], fused.spec, p.neurons[g].population.neurons, slot.start,
                slot.start - request.start, slot.steps,
            )  # fmt: skip
            table = found.pop(STEP_CURRENT, None)
            if table is not None:
                if drive is None:
                    drive = staged[STEP_CURRENT].edit(slot.steps * p.share.size)
                    drive[:] = 0
                rows, place = drive.reshape(slot.steps, -1), p.share.places[g]
                mine = table.reshape(slot.steps, -1)[:, slice(*p.share.starts[g])]
                rows[:, place : place + p.share.counts[g]] = mine
            if g == fused.populations[0]:
                for name, array in found.items():
                    staged[name].edit(array.size)[:] = array.reshape(-1)
                    device.upload(staged[name], array.size)
        if drive is not None:
            device.upload(staged[STEP_CURRENT], drive.size)
