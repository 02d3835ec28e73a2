"""Datagram sockets that never block, bound to addresses or sending to them."""

import contextlib
import os
import socket
import sys
from pathlib import Path
from typing import Any

from spikecuda.common.arguments import as_count, as_path
from spikecuda.errors import SpikecudaError, SpikecudaTypeError, SpikecudaValueError, shown


def as_host(host: object) -> str:
    """Return a name or IPv4 address of a machine."""
    if not isinstance(host, str) or not host or "\0" in host or len(host) > 255:
        raise SpikecudaTypeError(f"host must be a name or address of a machine (got {shown(host)})")
    return host


def udp(host: object, port: object, bound: bool, buffer: int = 0) -> tuple[socket.socket, Any]:
    """Return a UDP socket and its address, or the one that it sends to.

    Args:
        host, port: the address; port 0, only if ``bound``: a free one.
        bound: whether it receives.
        buffer: bytes that the system is asked to keep until they are read; 0: as it likes.
    """
    machine, number = as_host(host), as_count("port", port, 0 if bound else 1, 65535)
    made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    try:
        address = socket.getaddrinfo(machine, number, socket.AF_INET, socket.SOCK_DGRAM)[0][4]
        _settle(made, address if bound else None, buffer)
    except (OSError, UnicodeError) as error:
        made.close()
        raise SpikecudaError(
            f"host and port must be an address that can be used (got {machine}:{number}: {error})"
        ) from None
    return made, made.getsockname() if bound else address


def unix(path: object, bound: bool, buffer: int = 0) -> tuple[socket.socket, str]:
    """Return a Unix datagram socket and its path, or the one that it sends to.

    Args:
        path, bound, buffer: as for ``udp``; the file of a bound socket is for this user alone.
    """
    name = os.fspath(as_path(path))
    if not hasattr(socket, "AF_UNIX"):
        raise SpikecudaError(f"this system has no Unix sockets (got {name}); use udp()")
    if bound and os.path.lexists(name):
        raise SpikecudaValueError(f"path must not exist yet (got {name}); remove it")
    made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    try:
        # An address of its own, which Linux makes of "", tells senders apart.
        own = "" if sys.platform == "linux" else None
        _settle(made, name if bound else own, buffer)
        if bound:
            os.chmod(name, 0o600)
    except (OSError, ValueError) as error:
        made.close()
        raise SpikecudaValueError(
            f"path must be one at which a socket can be made (got {name!r:.200}: {error})"
        ) from None
    return made, str(name)


def _settle(made: socket.socket, address: Any, buffer: int) -> None:
    made.setblocking(False)
    if buffer:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
    if address is not None:
        made.bind(address)


def remove(path: str) -> None:
    """Remove a socket's file, if it is there."""
    with contextlib.suppress(OSError):
        Path(path).unlink()
