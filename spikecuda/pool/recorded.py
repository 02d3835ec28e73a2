"""What a run of a pool or system records."""

from collections.abc import Iterable

from spikecuda.common.arguments import as_flag, is_name
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.models.base import Model


def as_recorded(
    record: str | Iterable[str] | None, spikes: object, model: type[Model]
) -> tuple[bool, tuple[str, ...]]:
    """Return whether spikes are recorded, and which states of a model are."""
    known = ["spikes", *model.states]
    keep = as_flag("spikes", spikes)
    if record is None:
        return False, ()
    if not isinstance(record, Iterable):
        raise SpikecudaTypeError(
            f"record must be a name, several, or None (got {record!r}); it knows {', '.join(known)}"
        )
    names = (record,) if isinstance(record, str) else tuple(record)
    for name in names:
        if not is_name(name, known):
            raise SpikecudaValueError(
                f"record knows {', '.join(known)} of {model.name} (got {name!r})"
                f"{nearest(str(name), known)}"
            )
    if not names:
        raise SpikecudaValueError("record must name something (got nothing); None: nothing")
    if not keep and "spikes" in names and names != ("spikes",):
        raise SpikecudaValueError("spikes=False contradicts record, which names spikes; leave one")
    return keep, tuple(s for s in model.states if s in names)
