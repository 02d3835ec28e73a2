"""The neuron of NIR that no built-in model is: a membrane in forward Euler with a synaptic current.

Its input arrives scaled: what it adds to a state in a step.  The importer works that out.
"""

from spikecuda.language import real
from spikecuda.models.base import Model
from spikecuda.models.parameter import Parameter, State

# Receptors: what arrives is added to a state, before the threshold is tested.
TO_I, TO_V = "to_i", "to_v"
# A threshold that no potential reaches, of neurons without one.
NEVER = 1e30


class NIRSynaptic(Model):
    """``lif_euler`` with a synaptic current that decays: NIR's CubaLIF and CubaLI.

    ``i <- i - leak_i i + current``, ``v <- v + drift - leak v + gain i`` with the new i; then what
    arrives is added to i, and ``gain`` times that to v, before the threshold is tested.

    Source: Pedersen et al. (2024) Nat Commun 15:8122, table 1, in steps as in snnTorch and Norse.
    """

    name = "nir_synaptic"
    source = "Pedersen et al. (2024) Nat Commun 15:8122"
    input_unit = ""
    pulse = "i"
    arrivals = {TO_I: "i", TO_V: "v"}

    i = State("", initial=0.0, span=1.0, doc="synaptic current")
    v = State("", initial=0.0, span=1.0, doc="membrane potential")
    leak_i = Parameter(0.1, "", "dt / tau_syn", at_least=0.0, at_most=1.0)
    gain = Parameter(0.1, "", "dt r / tau_mem")
    leak = Parameter(0.1, "", "dt / tau_mem", at_least=0.0, at_most=1.0)
    drift = Parameter(0.0, "", "what a step adds without input")
    v_th = Parameter(1.0, "", "threshold")
    v_reset = Parameter(0.0, "", "potential after a spike")
    subtract = Parameter(0.0, "", "1: the threshold is subtracted after a spike", at_least=0.0)

    def step(i, v, current, leak_i, gain, leak, drift):
        """Return current and potential after a step."""
        i_new = i + (current - leak_i * i)
        return i_new, v + (drift - leak * v + gain * i_new)

    def threshold(v, v_th):
        """Tell whether the neuron spikes."""
        return v > v_th

    def reset(i, v, v_th, v_reset, subtract):
        """Return current and potential after a spike."""
        return i, (v - v_th if subtract > real(0.5) else v_reset)
