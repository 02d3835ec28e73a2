"""``spikecuda run EXAMPLE --save FILE --save-every MS`` and ``--resume FILE``."""

import hashlib
from typing import TYPE_CHECKING, Any

from spikecuda.common.arguments import as_path
from spikecuda.common.files import require_writable
from spikecuda.errors import SpikecudaValueError, shown

if TYPE_CHECKING:
    from spikecuda.examples.example import Example
    from spikecuda.network.network import Network

# Of a train, what depends on the time.
SINCE = "since"


def as_saves(path: str | None, every: float | None) -> dict[str, Any]:
    """Return when a run is saved, as ``Network.run`` takes it; raise for half of it."""
    if (path is None) != (every is None):
        missing = "--save-every MS" if every is None else "--save FILE"
        raise SpikecudaValueError(f"{missing} must be given, too (got one of the two)")
    if path is not None:
        require_writable(as_path(path, "--save"), "--save")
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
    try:
        return _loaded(example, told, own, resume)
    finally:
        told.close()


def _loaded(example: "Example", told: "Network", own: dict[str, Any], resume: str) -> "Network":
    """Return the network of a file; raise unless it is the one that was told."""
    from spikecuda.network.network import Network

    place = {name: own[name] for name in ("threads", "devices") if name in own}
    # Some examples have classes of their own, which a file names.
    own_kinds = {type(p.plasticity) for p in told.projections if p.plasticity is not None}
    own_kinds |= {p.neuron_spec.model for p in told.populations.values() if p.neuron_spec}
    try:
        net = Network.load(as_path(resume, "--resume"), models=own_kinds, **place)
    except OSError as error:
        raise SpikecudaValueError(
            f"--resume must be a file that --save wrote (got {resume}: {error.strerror}); the "
            "first run has no --resume"
        ) from None
    try:
        found = _difference(net, told)
        if found is not None:
            raise SpikecudaValueError(
                f"--resume must be a file of {example.name} with the same options (--set, --scale, "
                f"--variant, --plastic, --seed, --precision): {found} in {resume}); give the "
                "options of the run that was saved"
            )
        if net.time and not net.result.start <= 0.5 * net.dt <= net.result.stop:
            raise SpikecudaValueError(
                f"--resume must be a file with what was recorded from 0 ms on (got {net.result!r} "
                f"in {resume}); make it with --save"
            )
    except BaseException:
        net.close()
        raise
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


def _difference(net: "Network", told: "Network") -> str | None:
    """Return what makes two networks different ones, in words; None: they are the same."""
    for name in ("dt", "seed", "precision"):
        mine, other = getattr(net, name), getattr(told, name)
        if mine != other:
            return f"{name} must be {other} (got {mine}"
    found, wanted = _described(net), _described(told)
    for place in wanted | found:
        mine, other = found.get(place), wanted.get(place)
        if mine != other:
            return f"{place} must be {shown(other)} (got {shown(mine)}"
    return None


def _described(net: "Network") -> dict[str, Any]:
    """Return all that a network was told, by where it is told: arrays as hashes."""
    from spikecuda.network.saving.description import CLASSES, Teller
    from spikecuda.saving.codec import ARRAY, DICT, MADE, Encoder

    encoder = Encoder(net.dt, CLASSES)
    tree, result = Teller(net, encoder).tree(), dict[str, Any]()

    def walk(value: Any, words: str) -> None:
        if isinstance(value, dict) and set(value) == {ARRAY}:
            array = encoder.values[value[ARRAY]]
            digest = hashlib.sha256(array.tobytes()).hexdigest()
            several = f"an array of shape {array.shape}, {digest:.8}"
            result[words] = several if array.ndim else array.item()
        elif isinstance(value, dict):
            for name, part in value.items():
                if name != SINCE:
                    walk(part, words if name in {DICT, MADE} else f"{words} {name}".strip())
        elif isinstance(value, list):
            result[f"the number of {words}"] = len(value)
            for i, part in enumerate(value):
                walk(part, f"{words} {i}")
        else:
            result[words] = value

    walk(tree, "")
    return result
