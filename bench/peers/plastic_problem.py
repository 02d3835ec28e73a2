"""The plastic networks that all simulators run, and what their figures count. Imports nothing.

Brunel's network: 10,000 excitatory and 2,500 inhibitory LIF neurons with delta synapses and 15.6 M
synapses, of which the 10 M from excitatory to excitatory neurons are plastic.  The background is
1.5 times the threshold's, so that neurons spike at about 24 Hz without plasticity.  All delays are
1.5 ms and dendritic.

Rules, with w the weight in mV, x and y the traces of the source and of the target, +1 a spike:

- static: no plasticity; one weight for all;
- additive: w += lam * w_max * x as a post spike arrives, w -= alpha * lam * w_max * y at a pre
  spike, within [0, w_max] (Song, Miller and Abbott 2000; NEST: ``stdp_synapse_hom`` with mu 0);
- power: w += lam * w**mu * x, w -= alpha * lam * w * y (Morrison, Aertsen and Diesmann 2007; NEST:
  ``stdp_pl_synapse_hom``);
- without: the synapses from excitatory to excitatory neurons are left out; what a process occupies
  beyond this, divided by the number of those synapses, is the memory of one.

The other end of the scale is ``song``, the neuron of Song, Miller and Abbott (2000): a thousand
Poisson sources of 15 Hz, each with a plastic synapse of its own onto one neuron with conductances,
and inhibition from 200 sources of 10 Hz, which is drawn as one train.  Its "events" are the spikes
of the thousand sources, on average, as "excitatory" ones; its other spikes are the neuron's.
"""

N_E, N_I, C_E, C_I = 10_000, 2_500, 1_000, 250
DT, DELAY = 0.1, 1.5
TAU_M, V_TH, V_RESET, T_REF = 20.0, 20.0, 10.0, 2.0
J, G, BACKGROUND = 0.1, 5.0, 1.5
# The rate of the background of a neuron, in Hz: its mean would hold V at BACKGROUND * V_TH.
POISSON = BACKGROUND * 1e3 * V_TH / (J * TAU_M)
PLASTIC = N_E * C_E

RULES = ("static", "additive", "power")
WITHOUT = "without"
ADDITIVE = {"lam": 0.005, "alpha": 1.05, "tau_plus": 20.0, "tau_minus": 20.0, "w_max": 0.3}
# lam carries J ** (1 - mu): at the weight J the relative step is 0.05.  Without correlations, J is
# the weight at which potentiation and depression balance, but for the factor 1.05.
POWER = {
    "lam": 0.05 * J**0.6, "alpha": 1.05 * 15.0 / 30.0 * J**-0.6, "mu": 0.4, "tau_plus": 15.0,
    "tau_minus": 30.0, "w_max": 0.6,
}  # fmt: skip
WARM_UP = 100.0

SONG = "song"
SONG_INPUTS, SONG_RATE, SONG_INHIBITION, SONG_DELAY = 1_000, 15.0, 2_000.0, 1.0
SONG_INHIBITORY = 0.5  # nS
SONG_NEURON = {
    "c_m": 200.0, "g_l": 10.0, "e_l": -70.0, "v_th": -54.0, "v_reset": -60.0, "t_ref": 0.1,
}  # fmt: skip
SONG_TAU, SONG_E_EXC, SONG_E_INH = 5.0, 0.0, -70.0
# In nS. The weights begin uniformly between 0 and w_max.
SONG_STDP = {"lam": 0.01, "alpha": 1.05, "tau_plus": 20.0, "tau_minus": 20.0, "w_max": 0.15}


def steps(duration: float) -> int:
    """The steps of a duration in ms."""
    return round(duration / DT)


def sizes(rule: str) -> tuple[int, int]:
    """The neurons that the two numbers of spikes are of."""
    return (SONG_INPUTS, 1) if rule == SONG else (N_E, N_I)


def events(rule: str, spikes: int) -> int:
    """Plastic events of so many excitatory spikes: each meets C_E such synapses on average."""
    return spikes if rule == SONG else spikes * C_E


def song_inputs(duration: float) -> int:
    """Spikes of the thousand sources in so many ms, on average: recording them takes time."""
    return round(SONG_INPUTS * SONG_RATE * duration * 1e-3)
