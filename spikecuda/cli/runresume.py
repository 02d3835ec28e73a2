"""``spikecuda run EXAMPLE --save FILE --save-every MS`` and ``--resume FILE``."""

from typing import TYPE_CHECKING, Any

from spikecuda.errors import SpikecudaValueError

if TYPE_CHECKING:
    from spikecuda.examples.example import Example
    from spikecuda.network.network import Network


def as_saves(path: str | None, every: float | None) -> dict[str, Any]:
    """Return when a run is saved, as ``Network.run`` takes it; raise for half of it."""
    if (path is None) != (every is None):
        missing = "--save-every MS" if every is None else "--save FILE"
        raise SpikecudaValueError(f"{missing} must be given, too (got one of the two)")
    return {} if path is None else {"save_to": path, "save_every": every}


def network_of(
    example: "Example", options: dict[str, Any], own: dict[str, Any], resume: str | None
) -> "Network":
    """Return an example's network, new or from a file.

    Args:
        example: which.
        options: of the example.
        own: seed, precision, and where it runs, as far as they are given.
        resume: the file, or None.

    Raises:
        SpikecudaValueError: the file has another network.
    """
    told = example.network(**options, **own)
    if resume is None:
        return told
    from spikecuda.network.network import Network

    place = {name: own[name] for name in ("threads", "devices") if name in own}
    net = Network.load(resume, **place)
    mine, other = _outline(net), _outline(told)
    told.close()
    if mine != other:
        net.close()
        what = next(name for name in mine if mine[name] != other[name])
        raise SpikecudaValueError(
            f"--resume must be a file of {example.name} with the same options: {what} must be "
            f"{other[what]} (got {mine[what]} in {resume})"
        )
    return net


def left_of(net: "Network", duration: float) -> float:
    """Return the ms that are left of a run; raise if there are none."""
    left = round((duration - net.time) / net.dt) * net.dt
    if net.time and left <= 0:
        raise SpikecudaValueError(
            f"--duration must be longer than what the file has, {net.time:g} ms with the time to "
            f"settle (got {duration:g} ms in all); nothing is left to run"
        )
    return left if net.time else duration


def _outline(net: "Network") -> dict[str, Any]:
    """Return what tells networks of one example apart, by what messages call it."""
    return {
        "dt": net.dt,
        "seed": net.seed,
        "precision": net.precision,
        "neurons": {name: p.size for name, p in net.populations.items()},
        "projections": [(p.name, p.expected, repr(p.plasticity)) for p in net.projections],
    }
