"""Cells of the Allen Cell Types Database: the JSON of their GLIF models as NEST's parameters."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from spikecuda.errors import SpikecudaValueError

# By model_template: NEST's three switches.
TEMPLATES = {
    "nest:glif_lif_psc": (False, False, False), "nest:glif_lif_r_psc": (True, False, False),
    "nest:glif_lif_asc_psc": (False, True, False), "nest:glif_lif_r_asc_psc": (True, True, False),
    "nest:glif_lif_r_asc_a_psc": (True, True, True),
}  # fmt: skip
SWITCHES = ("spike_dependent_threshold", "after_spike_currents", "adapting_threshold")
# ms; what the Brain Modeling Toolkit gives all of them, for its four kinds of synapses.
TAU_SYN = (5.5, 8.5, 2.8, 5.8)


def glif_params(where: str, template: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Return NEST's parameters of ``glif_psc`` from a database file, which has SI units.

    Args:
        where: the file, for errors.
        template: "nest:glif_lif_psc" and so on.
        found: what the file has.

    Source: the Brain Modeling Toolkit (bmtk 1.2), ``pointnet.glif_utils.converter_builtin``.
    """
    try:
        return _converted(TEMPLATES[template], found)
    except (LookupError, TypeError, ValueError, ArithmeticError) as error:
        raise SpikecudaValueError(
            f"{where}: must be a GLIF model of the Allen Cell Types Database for {template} (got "
            f"no usable {error!s:.80}); download its neuronal model again"
        ) from None


def _converted(switches: tuple[bool, bool, bool], found: Mapping[str, Any]) -> dict[str, Any]:
    coeffs, zero = found["coeffs"], float(found["El_reference"]) * 1e3
    rest = float(found["El"]) * 1e3 + zero
    params: dict[str, Any] = {
        "V_m": rest, "E_L": rest, "V_reset": zero,
        "V_th": coeffs["th_inf"] * found["th_inf"] * 1e3 + zero,
        "g": coeffs["G"] / found["R_input"] * 1e9, "C_m": coeffs["C"] * found["C"] * 1e12,
        "t_ref": found["spike_cut_length"] * found["dt"] * 1e3, "tau_syn": list(TAU_SYN),
        **dict(zip(SWITCHES, switches, strict=True)),
    }  # fmt: skip
    if switches[0]:
        threshold = found["threshold_dynamics_method"]["params"]
        reset = found["voltage_reset_method"]["params"]
        params |= {
            "th_spike_add": threshold["a_spike"] * 1e3,
            "th_spike_decay": threshold["b_spike"] / 1e3,
            "voltage_reset_fraction": reset["a"], "voltage_reset_add": reset["b"] * 1e3,
        }  # fmt: skip
        if switches[2]:
            params["th_voltage_index"] = threshold["a_voltage"] * coeffs["a"] / 1e3
            params["th_voltage_decay"] = threshold["b_voltage"] * coeffs["b"] / 1e3
    if switches[1]:
        amps = np.array(found["asc_amp_array"]) * np.array(coeffs["asc_amp_array"]) * 1e12
        params |= {
            "asc_init": list(np.array(found["init_AScurrents"]) * 1e12), "asc_amps": list(amps),
            "asc_decay": list(1e-3 / np.array(found["asc_tau_array"])), "asc_r": [1.0, 1.0],
        }  # fmt: skip
    return params
