"""Events in and out: recordings of event cameras, sockets, pixels as neurons."""

from typing import TYPE_CHECKING

from spikecuda.common.first_use import at_first_use

# Where each public name lives; loaded at first use.
_PUBLIC = {
    "Events": "events",
    "Pixels": "pixels",
    "read_events": "read",
}

if TYPE_CHECKING:
    from spikecuda.events.events import Events
    from spikecuda.events.pixels import Pixels
    from spikecuda.events.read import read_events

__all__ = ["Events", "Pixels", "read_events"]


if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = at_first_use(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
