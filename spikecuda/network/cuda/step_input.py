"""Input of a run on a CUDA device that differs between steps, and given spikes."""

from collections.abc import Mapping, Sequence

import numpy as np

from spikecuda.devices.work import Staging
from spikecuda.network.cuda.fused_populations import FusedPopulations
from spikecuda.network.cuda.run_context import RunContext
from spikecuda.network.cuda.window_buffers import WindowBuffers
from spikecuda.network.run.partition import NUMBER, STEP_BITS
from spikecuda.network.run.window import row_arguments, step_input


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
        return {*self._one(fused), *(argument.name for argument in row_arguments(fused.spec))}

    def rows(self) -> list[dict[str, Staging]]:
        """Return a slot's buffers for input of each step, by argument, for each launch."""
        context, result = self._context, []
        for fused in self._cohorts:
            parts = len(fused.populations) if fused.spec.replicas else 1
            wanted = [(name, parts * a.size, a.dtype) for name, a in self._one(fused).items()]
            places = context.resident.share.size
            wanted += [(a.name, places, np.dtype(a.dtype)) for a in row_arguments(fused.spec)]
            result.append({
                name: context.staged(name.strip("_"), context.most_steps * row, dtype)
                for name, row, dtype in wanted
            })  # fmt: skip
        return result

    def given(self) -> tuple[Staging, Staging]:
        """Return a slot's buffers for given spikes, and for the end of each window's in them."""
        context = self._context
        return (
            context.staged("given spikes", context.request.external.size, np.int64),
            context.staged("bounds", context.resident.windows + 2, np.int64),
        )

    def learned(self) -> tuple[Staging, Staging]:
        """Return a slot's buffers for given spikes sorted by number, and for windows' ends."""
        context = self._context
        return (
            context.staged("given spikes by source", context.request.external.size, np.int64),
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
        if slot.learned:
            self._feed_learned(slot, external, lengths)

    def _feed_learned(
        self, slot: WindowBuffers, external: np.ndarray, lengths: Sequence[int]
    ) -> None:
        """Copy given spikes to the device once more, each window's sorted by number."""
        device, (spikes, bounds) = self._context.device, slot.learned
        starts = slot.start + np.concatenate([[0], np.cumsum(lengths)])
        edges = np.searchsorted(external, starts << STEP_BITS)
        bounds.edit(edges.size)[:] = edges
        device.upload(bounds, edges.size)
        if external.size:
            window = np.searchsorted(edges, np.arange(external.size), side="right")
            order = np.lexsort((by_number(external), window))
            spikes.edit(external.size)[:] = by_number(external)[order]
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
        offset = slot.start - request.start
        parts = fused.populations if fused.spec.replicas else fused.populations[:1]
        for i, g in enumerate(parts):
            found = step_input(
                request.drives[g][0], fused.spec, p.neurons[g].population.neurons, slot.start,
                offset, slot.steps,
            )  # fmt: skip
            for name, array in found.items():
                # Each replica has its own, one after the other.
                first = i * self._context.most_steps * (array.size // slot.steps)
                staged[name].edit(first + array.size)[first:] = array.reshape(-1)
                if i == len(parts) - 1:
                    device.upload(staged[name], first + array.size)
        for argument in row_arguments(fused.spec):
            name, size = argument.name, slot.steps * p.share.size
            values = staged[name].edit(size)
            values[:] = 0
            table = values.reshape(slot.steps, -1)
            for g in fused.populations:
                place, columns = p.share.places[g], slice(*map(int, p.share.starts[g]))
                mine = table[:, place : place + p.share.counts[g]]
                request.drives[g][0].rows(name, slot.start, offset, columns, mine)
            device.upload(staged[name], size)


def by_number(spikes: np.ndarray) -> np.ndarray:
    """Return spikes as ``number << 32 | step``, in the same order."""
    swapped: np.ndarray = (spikes << STEP_BITS) | ((spikes >> STEP_BITS) & NUMBER)
    return swapped
