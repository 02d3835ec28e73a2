"""The models known by name."""

from typing import TYPE_CHECKING

from spikecuda.errors import SpikecudaValueError, nearest

if TYPE_CHECKING:
    from spikecuda.models.base import Model

_MODELS: dict[str, "type[Model]"] = {}
BUILT_IN = (
    "lif", "adex", "izhikevich", "lif_cond", "eif", "qif", "hh_traub",
    "glif1", "glif2", "glif3", "glif4", "glif5", "parrot",
)  # fmt: skip
# Written in the language of users' own models, most as equations: what makes kernels of them is
# proven for the language, and of each only that it computes what it says.
WRITTEN = (
    "if", "lif_euler", "intfire1", "hh_squid", "wang_buzsaki", "fitzhugh_nagumo", "hindmarsh_rose",
    "iaf_sfa_rr", "mat2", "gif", "poisson",
)  # fmt: skip


def register(model: "type[Model]") -> None:
    """Make a model known by its name; a later definition of the same name replaces it.

    Raises:
        SpikecudaValueError: the name belongs to a built-in model.
    """
    known = _MODELS.get(model.name)
    if (
        model.name in (*BUILT_IN, *WRITTEN)
        and known is not None
        and known.__module__ != model.__module__
    ):
        raise SpikecudaValueError(
            f"the name {model.name!r} belongs to a built-in model; set name = 'my_{model.name}'"
        )
    _MODELS[model.name] = model


def find(name: str) -> "type[Model]":
    """Return the model of a name, upper or lower case."""
    model = _MODELS.get(name) or _MODELS.get(name.lower())
    if model is None:
        raise SpikecudaValueError(
            f"unknown neuron model {name!r}{nearest(name.lower(), names())}; known models are "
            f"{', '.join(names())}"
        )
    return model


def names() -> list[str]:
    """Return the names of all known models."""
    return list(_MODELS)
