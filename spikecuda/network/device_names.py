"""The devices of a network: names that a user may pass."""

from collections.abc import Sequence

from spikecuda.devices.base import Device
from spikecuda.devices.kinds import CPU, SIMULATED, kind_of, split_name
from spikecuda.devices.open import choose, gpu_status
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError

# What a user may name: "auto", "mpi", a name, or a list of names and open devices; in a list "mpi"
# comes first.
MPI = "mpi"
Given = str | Sequence[str | Device]


def as_places(devices: Given) -> tuple[str | Device, ...]:
    """Return checked places; "auto" stays as it is.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: no device, or an unknown name.
    """
    if isinstance(devices, str):
        devices = [devices]
    if not isinstance(devices, Sequence) or not devices:
        raise SpikecudaTypeError(
            f'devices must be "auto", a name such as "cuda:0", or a list of names (got '
            f"{devices!r:.80})"
        )
    result: list[str | Device] = []
    for device in devices:
        if device == MPI and not result:
            result.append(MPI)
            continue
        if device == "auto" and len(devices) - (result == [MPI]) == 1:
            result.append("auto")
            continue
        if device == MPI:
            raise SpikecudaValueError(
                f'devices must have "mpi" once, at the beginning (got {devices!r:.80}); the names '
                "after it are the devices of this process"
            )
        if not isinstance(device, str | Device):
            raise SpikecudaTypeError(
                'devices in a list must be names such as "cpu" or "cuda:0", or open devices (got '
                f"{device!r:.80}); leave out what is none"
            )
        name = device.name if isinstance(device, Device) else choose(None, device)
        kind, number = split_name(name)
        if kind == SIMULATED:
            raise SpikecudaValueError(
                "devices of a network need warp operations, which numba's simulator lacks (got "
                f"{name!r}); use 'cuda-emu'"
            )
        result.append(device if isinstance(device, Device) else f"{kind}:{number}")
    return tuple(result)


def resolve_devices(places: tuple[str | Device, ...]) -> tuple[str | Device, ...]:
    """Return places with "auto" replaced: the first GPU if there is one, else nothing."""
    if places == ("auto",):
        return ("cuda:0",) if gpu_status().usable else ()
    return places


def over_processes(places: tuple[str | Device, ...]) -> bool:
    """Tell whether a network runs over processes of MPI, with places of each after "mpi"."""
    return places[0] == MPI


def on_cpu(place: str | Device) -> bool:
    """Tell whether a place is this machine's processor."""
    return (kind_of(place) if isinstance(place, str) else place.kind) == CPU
