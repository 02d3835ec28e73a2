"""The memory that a run needs, asked for before anything is allocated."""

from collections.abc import Sequence
from typing import Any, Protocol

from spikecuda.common.host_memory import available_memory, shortage
from spikecuda.devices.base import Device
from spikecuda.errors import OutOfMemoryError
from spikecuda.runtime.population import Population
from spikecuda.runtime.window_layout import Layout


class Member(Protocol):
    """One population's part of a run.

    Attributes:
        population: the population.
        layouts: what the run needs on each partition.
    """

    population: Population
    layouts: list[Layout]

    @property
    def runs(self) -> Sequence[Any]:
        """The partitions' runs, if there are buffers for them."""

    @property
    def trace_bytes(self) -> int:
        """Bytes of the recorded states."""


def require_memory(members: Sequence[Member], total: int) -> None:
    """Raise OutOfMemoryError unless the run fits, spike lists excepted."""
    need: dict[str, int] = {"host": sum(member.trace_bytes for member in members)}
    devices: dict[str, Device] = {}
    for member in members:
        for part, layout in zip(member.population.partitions, member.layouts, strict=True):
            home = part.device.home
            devices.setdefault(home, part.device)
            need[home] = need.get(home, 0) + (0 if member.runs else layout.nbytes())
    what = f"a run of {total:,} steps"
    for home, size in need.items():
        if not size:
            continue
        if home in devices:
            devices[home].require(size, what)
        elif size > available_memory():
            raise OutOfMemoryError(
                f"{what} needs {size:,} bytes of host memory for its traces ({shortage()}); "
                "record fewer states or run in parts"
            )
