"""EventSource: events that arrive at a socket, as spikes of a network's source."""

import os
import socket
from dataclasses import dataclass
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_count
from spikecuda.common.time_grid import nearest_step
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, shown
from spikecuda.events import sockets
from spikecuda.events.pixels import Pixels
from spikecuda.events.wire import Message, unpack
from spikecuda.network.model.spike_train import SpikeTrain

# The largest datagram; bytes that the system is asked to keep until they are read.
DATAGRAM, BUFFER = 65536, 4 << 20
# Senders whose numbers are followed.
SENDERS = 64


@dataclass
class Received:
    """What a source received so far.

    Attributes:
        datagrams: how many, malformed ones included.
        malformed: datagrams that are none of the source's kind.
        missing: datagrams that their senders' numbers say were lost on the way, or came too late.
        failed: how often the socket could not be read, as when it is closed.
        events: events of well-formed datagrams.
        outside: of them, those of pixels or neurons that do not count.
        dropped: of them, those for which there was no room.
        fed: of them, those that became spikes.
    """

    datagrams: int = 0
    malformed: int = 0
    missing: int = 0
    failed: int = 0
    events: int = 0
    outside: int = 0
    dropped: int = 0
    fed: int = 0


class EventSource:
    """Receives events at a socket; ``feed`` makes them spikes.  Made by ``udp`` and ``unix``.

    Nothing blocks, and no thread is needed: what arrives waits in the system's buffer until
    ``feed`` reads it, at most ``datagrams`` at a time.

    Attributes:
        address: (host, port), or the path of a Unix socket.
        received: what arrived, see ``Received``.
    """

    def __init__(
        self, made: tuple[socket.socket, Any], to: Pixels | int, room: int, datagrams: int
    ) -> None:
        self._socket, self.address = made
        self._to, self._room, self._datagrams = to, room, datagrams
        self.received = Received()
        self._next: dict[Any, int] = {}
        self._clock = 0
        self._steps = self._neurons = np.empty(0, np.int64)

    @classmethod
    def udp(
        cls, to: Pixels | int, *, host: str = "127.0.0.1", port: int = 0, room: int = 100_000,
        datagrams: int = 256,
    ) -> "EventSource":  # fmt: skip
        """Return a source that receives at a UDP port.  Senders are not slowed down.

        Args:
            to: which neuron a pixel's events belong to; or, if spikes arrive, how many neurons.
            host: address of this machine; the loopback address hears no other machine.
            port: 0 to 65535; 0: a free one.
            room: most spikes that wait for their step.
            datagrams: most that are read at a time.

        Raises:
            SpikecudaError: an argument cannot be used, or the port is not free.
        """
        checked = _checked(to, room, datagrams)
        return cls(sockets.udp(host, port, True, BUFFER), *checked)

    @classmethod
    def unix(
        cls, path: str | os.PathLike[str], to: Pixels | int, *, room: int = 100_000,
        datagrams: int = 256,
    ) -> "EventSource":  # fmt: skip
        """Return a source that receives at a Unix socket.  Senders wait while its buffer is full.

        Args:
            path: of the socket, which must not exist; ``close`` removes it.
            to, room, datagrams: as for ``udp``.

        Raises:
            SpikecudaError: an argument cannot be used.
        """
        checked = _checked(to, room, datagrams)
        return cls(sockets.unix(path, True, BUFFER), *checked)

    @property
    def size(self) -> int:
        """Number of neurons, for ``net.source(name, source.size, SpikeTrain([], []))``."""
        return self._to.size if isinstance(self._to, Pixels) else self._to

    def feed(self, net: Any, name: str) -> int:
        """Read what has arrived, and let it be spikes of a source in the steps that come next.

        Call it before a run and between its pieces.  All spikes come in the next step; a neuron
        has at most as many in one step as ``net.source(..., at_once=...)`` says, and the others in
        the steps that follow.

        Args:
            net: the network.
            name: its source, of ``size`` trains.

        Returns:
            How many spikes are new.

        Raises:
            SpikecudaValueError: the source has another number of trains; nothing is read.
            SpikecudaAttributeError: it is a population of neurons.
        """
        population, now = net[name], nearest_step(net.time, net.dt)
        if population.train is not None and population.size != self.size:
            raise SpikecudaValueError(
                f"name must be a source of {self.size:,} trains, as many as this EventSource has "
                f"neurons (got {name!r} of {population.size:,})"
            )
        if now < self._clock:  # the network was reset
            self._steps = self._neurons = np.empty(0, np.int64)
        self._clock = now
        waiting = self._neurons[self._steps > now]
        new = self._read(self._room - waiting.size)
        had = self._neurons.size > 0
        self._neurons = np.concatenate([waiting, new])
        self._steps = now + 1 + _ranks(self._neurons) // population.at_once
        order = np.argsort(self._steps, kind="stable")
        self._steps, self._neurons = self._steps[order], self._neurons[order]
        if had or self._neurons.size:
            population.train = SpikeTrain(self._steps * net.dt, self._neurons)
        self.received.fed += new.size
        return int(new.size)

    def _read(self, room: int) -> np.ndarray:
        """Return the neurons of the events that have arrived, at most ``room`` of them."""
        found, told = [np.empty(0, np.int64)], self.received
        for _ in range(self._datagrams):
            try:
                datagram, sender = self._socket.recvfrom(DATAGRAM)
            except BlockingIOError:
                break
            except OSError:
                told.failed += 1
                break
            told.datagrams += 1
            message = unpack(datagram)
            neurons = None if message is None else self._placed(message)
            if message is None or neurons is None:
                told.malformed += 1
                continue
            self._follow(sender, message.number)
            told.events += message.records.size
            told.outside += message.records.size - neurons.size
            kept = neurons[:room]
            told.dropped += neurons.size - kept.size
            room -= kept.size
            found.append(kept)
        return np.concatenate(found)

    def _placed(self, message: Message) -> np.ndarray | None:
        """Return the neurons of a message's events; None: they are of another kind."""
        records = message.records
        if isinstance(self._to, Pixels):
            if message.kind != "pixels":
                return None
            return self._to.neurons(records["x"], records["y"], records["on"] != 0)[1]
        if message.kind != "spikes":
            return None
        neurons = records["neuron"].astype(np.int64)
        return neurons[neurons < self._to]

    def _follow(self, sender: Any, number: int) -> None:
        """Count the datagrams that are missing before one of a sender."""
        if sender not in self._next:
            if len(self._next) >= SENDERS:
                self._next.pop(next(iter(self._next)))
        elif number:  # 0: it begins anew
            gap = (number - self._next[sender]) % 2**32
            if gap >= 2**31:  # late: it was counted as missing
                return
            self.received.missing += gap
        self._next[sender] = (number + 1) % 2**32

    def close(self) -> None:
        """Close the socket; closing twice does nothing."""
        if self._socket.fileno() >= 0 and isinstance(self.address, str):
            sockets.remove(self.address)
        self._socket.close()

    def __enter__(self) -> "EventSource":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<EventSource at {self.address}: {self.received}>"


def _checked(to: object, room: object, datagrams: object) -> tuple[Pixels | int, int, int]:
    """Return arguments of a source."""
    if not isinstance(to, Pixels | int | np.integer) or isinstance(to, bool):
        raise SpikecudaTypeError(
            f"to must be a Pixels object, or the number of neurons (got {shown(to)})"
        )
    size = to if isinstance(to, Pixels) else as_count("to", to, 1, 2**31 - 1)
    return size, as_count("room", room, 1, 10**8), as_count("datagrams", datagrams, 1, 2**20)


def _ranks(neurons: np.ndarray) -> np.ndarray:
    """Return for each spike how many of its neuron come before it."""
    order = np.argsort(neurons, kind="stable")
    ordered = neurons[order]
    begins = np.flatnonzero(np.diff(ordered, prepend=-1))
    counts = np.diff(np.append(begins, ordered.size))
    ranks = np.empty(neurons.size, np.int64)
    ranks[order] = np.arange(ordered.size) - np.repeat(begins, counts)
    return ranks
