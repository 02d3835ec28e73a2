"""Neuron models: parameters with units, ranges and defaults, and the user's own."""

from spikecuda.models.adapting import MAT2, IAFAdapting
from spikecuda.models.adex import AdEx
from spikecuda.models.base import Model, as_model
from spikecuda.models.channels import HHSquid, WangBuzsaki
from spikecuda.models.eif import EIF
from spikecuda.models.glif import GLIF1, GLIF2, GLIF3, GLIF4, GLIF5
from spikecuda.models.hh_traub import HHTraub
from spikecuda.models.integrate import IF, IntFire1, LIFEuler
from spikecuda.models.izhikevich import Izhikevich
from spikecuda.models.lif import LIF
from spikecuda.models.lif_cond import LIFCond
from spikecuda.models.oscillators import FitzHughNagumo, HindmarshRose
from spikecuda.models.parameter import Parameter, State
from spikecuda.models.parrot import Parrot
from spikecuda.models.qif import QIF
from spikecuda.models.registry import find, names
from spikecuda.models.stochastic import GIF, PoissonNeuron

__all__ = [
    "EIF",
    "GIF",
    "GLIF1",
    "GLIF2",
    "GLIF3",
    "GLIF4",
    "GLIF5",
    "IF",
    "LIF",
    "MAT2",
    "QIF",
    "AdEx",
    "FitzHughNagumo",
    "HHSquid",
    "HHTraub",
    "HindmarshRose",
    "IAFAdapting",
    "IntFire1",
    "Izhikevich",
    "LIFCond",
    "LIFEuler",
    "Model",
    "Parameter",
    "Parrot",
    "PoissonNeuron",
    "State",
    "WangBuzsaki",
    "as_model",
    "find",
    "names",
]
