"""Events in and out: recordings of event cameras, sockets, pixels as neurons."""

from typing import TYPE_CHECKING

from spikecuda.common.first_use import at_first_use

# Where each public name lives; loaded at first use.
_PUBLIC = {
    "EventSink": "sink",
    "EventSource": "source",
    "Events": "events",
    "Pixels": "pixels",
    "read_events": "read",
    "unpack": "wire",
}

if TYPE_CHECKING:
    from spikecuda.events.events import Events
    from spikecuda.events.pixels import Pixels
    from spikecuda.events.read import read_events
    from spikecuda.events.sink import EventSink
    from spikecuda.events.source import EventSource
    from spikecuda.events.wire import unpack

__all__ = ["EventSink", "EventSource", "Events", "Pixels", "read_events", "unpack"]


if not TYPE_CHECKING:  # a type checker would take any name for one of these
    __getattr__ = at_first_use(__name__, _PUBLIC)


def __dir__() -> list[str]:
    return sorted(__all__)
