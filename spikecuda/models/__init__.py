"""Neuron models: parameters with units, ranges and defaults, and the user's own."""

from spikecuda.models.adex import AdEx
from spikecuda.models.base import Model, as_model
from spikecuda.models.eif import EIF
from spikecuda.models.glif import GLIF1, GLIF2, GLIF3, GLIF4, GLIF5
from spikecuda.models.hh_traub import HHTraub
from spikecuda.models.izhikevich import Izhikevich
from spikecuda.models.lif import LIF
from spikecuda.models.lif_cond import LIFCond
from spikecuda.models.parameter import Parameter, State
from spikecuda.models.parrot import Parrot
from spikecuda.models.qif import QIF
from spikecuda.models.registry import find, names

__all__ = [
    "EIF",
    "GLIF1",
    "GLIF2",
    "GLIF3",
    "GLIF4",
    "GLIF5",
    "LIF",
    "QIF",
    "AdEx",
    "HHTraub",
    "Izhikevich",
    "LIFCond",
    "Model",
    "Parameter",
    "Parrot",
    "State",
    "as_model",
    "find",
    "names",
]
