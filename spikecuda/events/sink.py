"""EventSink: sends events, spikes and rates to a socket."""

import os
import socket
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.events import sockets
from spikecuda.events.events import Events
from spikecuda.events.wire import LARGEST, LARGEST_UNIX, PIXELS, RATES, RECORDS, SPIKES, fits, pack
from spikecuda.network.results.result import NetworkResult


@dataclass
class Sent:
    """What a sink sent so far.

    Attributes:
        datagrams: how many the system took.
        records: the events, spikes and rates in them.
        dropped: records that it did not take, since the receiver's buffer is full.
        failed: records that it could not send, as when nobody receives.
    """

    datagrams: int = 0
    records: int = 0
    dropped: int = 0
    failed: int = 0


class EventSink:
    """Sends to a socket, and never waits.  Made by ``udp`` and ``unix``.

    Attributes:
        address: (host, port), or the path of a Unix socket.
        sent: what was sent, see ``Sent``.
    """

    def __init__(self, made: tuple[socket.socket, Any]) -> None:
        self._socket, self.address = made
        self.sent = Sent()
        self._number = 0
        self._largest = LARGEST_UNIX if isinstance(self.address, str) else LARGEST

    @classmethod
    def udp(cls, port: int, *, host: str = "127.0.0.1") -> "EventSink":
        """Return a sink that sends to a UDP port.

        Args:
            port: 1 to 65535.
            host: name or address of the machine that receives.

        Raises:
            SpikecudaError: there is no such address.
        """
        return cls(sockets.udp(host, port, False))

    @classmethod
    def unix(cls, path: str | os.PathLike[str]) -> "EventSink":
        """Return a sink that sends to a Unix socket.

        Args:
            path: of the socket; it may be made later.

        Raises:
            SpikecudaError: the path cannot be used.
        """
        return cls(sockets.unix(path, False))

    def spikes(self, piece: NetworkResult, population: str, *, channel: int = 0) -> None:
        """Send the spikes of a piece of a run.

        Args:
            piece: its result.
            population: a population whose spikes were recorded.
            channel: 0 to 65535, for the receiver.
        """
        piece.neurons(population)
        found = piece.spikes[population]
        records = np.empty(len(found), RECORDS[SPIKES])
        records["neuron"], records["time"] = found.neuron, found.time
        self._send(SPIKES, channel, records)

    def rates(self, piece: NetworkResult, *, channel: int = 0) -> None:
        """Send the rates of a piece's populations, Hz, in the order of ``piece.rates()``.

        Args:
            piece: its result; ``channel``: 0 to 65535, for the receiver.
        """
        self._send(RATES, channel, np.array(
            [(rate,) for rate in piece.rates().values()], RECORDS[RATES]
        ))  # fmt: skip

    def events(self, events: Events, *, channel: int = 0) -> None:
        """Send events of pixels, such as a recording's.

        Args:
            events: at most 2^16 columns and rows; times modulo 2^32 µs.
            channel: 0 to 65535, for the receiver.

        Raises:
            SpikecudaValueError: a pixel lies elsewhere, or a time is not finite.
        """
        if not isinstance(events, Events):
            raise SpikecudaTypeError(f"events must be an Events object (got {shown(events)})")
        if not np.isfinite(events.time).all():
            raise SpikecudaValueError("time must be finite to be sent, ms (got NaN or infinity)")
        for name, places in (("x", events.x), ("y", events.y)):
            if places.size and not 0 <= places.min() <= places.max() < 2**16:
                raise SpikecudaValueError(
                    f"{name} must be from 0 to 65,535 to be sent (got {places.min()} to "
                    f"{places.max()})"
                )
        records = np.empty(len(events), RECORDS[PIXELS])
        records["x"], records["y"], records["on"] = events.x, events.y, events.polarity
        records["time"] = np.rint(1e3 * events.time) % 2**32
        self._send(PIXELS, channel, records)

    def _send(self, kind: int, channel: object, records: np.ndarray) -> None:
        number, size = as_count("channel", channel, 0, 65535), fits(kind, self._largest)
        for begin in range(0, records.size, size):
            part = records[begin : begin + size]
            datagram = pack(kind, number, self._number, part)
            self._number += 1  # of what is dropped, too: the receiver sees that it is missing
            try:
                self._socket.sendto(datagram, self.address)
            except BlockingIOError:
                self.sent.dropped += part.size
            except OSError:
                self.sent.failed += part.size
            else:
                self.sent.datagrams += 1
                self.sent.records += part.size

    def close(self) -> None:
        """Close the socket; closing twice does nothing."""
        self._socket.close()

    def __enter__(self) -> "EventSink":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EventSink to {self.address}: {self.sent}>"
