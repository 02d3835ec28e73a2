"""Neurons in a description: their model, parameters and seeds, and how they come back."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.common.precision import as_precision
from spikecuda.common.seed import Seeds, as_seeds
from spikecuda.runtime.adjust import adjusted
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.saving.codec import Decoder, Encoder


def seeds_tree(seed: int, seeds: Seeds) -> dict[str, int]:
    """Return seeds as a tree."""
    return {
        "seed": seed, "wiring_seed": seeds.wiring, "start_seed": seeds.start,
        "noise_seed": seeds.noise, "trial": seeds.trial,
    }  # fmt: skip


def seeds_of(tree: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arguments of ``seeds_tree``, checked."""
    as_seeds(*(tree[name] for name in ("seed", "wiring_seed", "start_seed", "noise_seed", "trial")))
    return {name: tree[name] for name in seeds_tree(0, Seeds(0, 0, 0))}


def neurons_tree(spec: NeuronSpec, encoder: Encoder, whose: str) -> dict[str, Any]:
    """Return neurons as a tree."""
    return {
        "model": encoder.tree(f"the model of {whose}", spec.model),
        "count": spec.count,
        "scheme": spec.scheme,
        "substeps": spec.substeps,
        "params": encoder.tree(f"params of {whose}", dict(spec.params)),
        "initial": encoder.tree(f"initial of {whose}", dict(spec.initial)),
        "refractory": spec.refractory,
        "long_refractory": spec.long_refractory,
    }


def neurons_of(
    tree: Mapping[str, Any], decoder: Decoder, dt: float, precision: str
) -> dict[str, Any]:
    """Return the arguments that make neurons of a tree, with ``model`` and ``count``.

    A refractory period that was taken away later has a counter still, so it is given first.

    Args:
        tree: of ``neurons_tree``.
        decoder: of the file.
        dt: ms.
        precision: its name.
    """
    params = decoder.value(tree["params"])
    if tree["refractory"]:
        least = 1
        if tree["long_refractory"]:
            least += int(np.iinfo(as_precision(precision).refrac).max)
        params = {**params, "t_ref": np.maximum(params["t_ref"], least * dt)}
    return {
        "model": decoder.value(tree["model"]), "count": tree["count"], "scheme": tree["scheme"],
        "substeps": tree["substeps"], "params": params, "initial": decoder.value(tree["initial"]),
    }  # fmt: skip


def as_they_were(spec: NeuronSpec, tree: Mapping[str, Any], decoder: Decoder) -> NeuronSpec:
    """Return neurons that ``neurons_of`` made, with the parameters of now."""
    if not tree["refractory"]:
        return spec
    return adjusted(spec, {"t_ref": decoder.value(tree["params"])["t_ref"]}, None, built=True)
