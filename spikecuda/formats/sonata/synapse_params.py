"""Parameters of synapses: of files of dynamics_params, and those that edges have of their own."""

from typing import Any

import numpy as np

from spikecuda.common.json_file import read_json
from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.formats.sonata.config import Config
from spikecuda.formats.sonata.elements import Elements
from spikecuda.formats.sonata.synapse_kinds import COMMON, KINDS


def synapse_params(elements: Elements, models: np.ndarray, config: Config) -> dict[str, np.ndarray]:
    """Return what dynamics_params say of each edge, by name, float64 (edges,); NaN: nothing.

    Args:
        elements: the edges.
        models: the model of each, a text of ``KINDS``, objects (edges,).
        config: where the files are.

    Raises:
        SpikecudaValueError: a parameter that the model does not have; names the file, or the row.
    """
    result: dict[str, np.ndarray] = {}
    files, numbers = elements.labels("dynamics_params")
    for number, file in enumerate(files):
        chosen = numbers == number
        if file is None or not chosen.any():
            continue
        path = config.component("synaptic_models_dir", file, elements.where(int(chosen.argmax())))
        found = read_json(path, "parameters of a synapse")
        for model in dict.fromkeys(models[chosen]):
            for name in found:
                _require_known(str(path), model, name)
        for name, value in found.items():
            if name == "level_of_detail":  # of synapses with compartments; these act at once
                continue
            column = result.setdefault(name, np.full(elements.size, np.nan))
            column[chosen] = _number(str(path), name, value)
    for name, values in elements.params().items():
        given = ~np.isnan(values)
        for model in dict.fromkeys(models[given]):
            row = int((given & np.equal(models, model)).argmax())
            _require_known(elements.where(row), model, name)
        result[name] = np.where(given, values, result.get(name, np.nan))
    if "sign" in result:
        result["sign"] = np.where(np.isnan(result["sign"]), 1.0, result["sign"])
    return result


def _number(path: str, name: str, value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise SpikecudaValueError(f"{path}: {name} must be a number (got {value!r:.80})")
    return float(value)


def _require_known(where: str, model: str, name: str) -> None:
    """Raise unless a model has a parameter."""
    known = [*COMMON[:-1], *KINDS[model].params, *KINDS[model].starts]
    if name not in known and name != COMMON[-1]:
        raise SpikecudaValueError(
            f"{where}: {model} has no parameter {name!r:.80}{nearest(name, known)}; it has "
            f"{', '.join(known)}"
        )
