"""Arguments and figures of a system by type."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from spikecuda.common.arguments import shown
from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError, nearest
from spikecuda.models.base import Model, as_model


def as_models(neuron_types: Sequence[str | type[Model]]) -> dict[str, type[Model]]:
    """Return the models by name; raise for none or for one that comes twice."""
    if isinstance(neuron_types, str) or not isinstance(neuron_types, Sequence) or not neuron_types:
        raise SpikecudaTypeError(
            'neuron_types must be a list of models such as ["lif", "adex"] '
            f"(got {shown(neuron_types)})"
        )
    models = [as_model(neuron_type) for neuron_type in neuron_types]
    names = [model.name for model in models]
    for name in names:
        if names.count(name) > 1:
            raise SpikecudaValueError(f"neuron_types must differ (got {name!r} twice); use shares")
    return dict(zip(names, models, strict=True))


def require_type(what: str, name: object, models: Iterable[str]) -> None:
    """Raise for a type that a system does not have; ``what``: for messages."""
    known = list(models)
    if name not in known:
        raise SpikecudaValueError(
            f"{what} has no type {name!r} to go to{nearest(str(name), known)}; there are "
            f"{', '.join(known)}"
        )


def by_type(what: str, value: Any, models: Mapping[str, Any]) -> dict[str, Any]:
    """Return a dict by type; raise for types that the system does not have."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise SpikecudaTypeError(f"{what} must be a dict by type (got {value!r:.80})")
    for name in value:
        require_type(what, name, models)
    return dict(value)


def figures_row(
    neurons: int,
    updates: int,
    spikes: int,
    seconds: float,
    held: int,
    model_seconds: float,
    windows: int,
    launches: int,
    host_seconds: float,
) -> dict[str, float]:
    """Return the figures of a type, or of all types."""
    return {
        "neurons": neurons,
        "updates": updates,
        "spikes": spikes,
        "mean_rate": spikes / (neurons * model_seconds) if model_seconds else 0.0,
        "run_seconds": seconds,
        "updates_per_second": updates / seconds if seconds else 0.0,
        "bytes": held,
        "windows": windows,
        "launches": launches,
        "host_seconds": host_seconds,
        "launches_per_window": launches / max(1, windows),
        "host_microseconds": 1e6 * host_seconds / max(1, windows),
    }
