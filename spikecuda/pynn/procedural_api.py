"""PyNN's older functions that create, connect and record single neurons."""

from typing import Any

from pyNN import common

from spikecuda.pynn import simulator
from spikecuda.pynn.connectors import FixedProbabilityConnector
from spikecuda.pynn.populations import Population
from spikecuda.pynn.projections import Projection
from spikecuda.pynn.standardmodels.synapses import StaticSynapse

create = common.build_create(Population)
connect = common.build_connect(Projection, FixedProbabilityConnector, StaticSynapse)
set = common.set
record = common.build_record(simulator)


def record_v(source: Any, filename: str) -> Any:
    """Record the membrane potential to a file."""
    return record(["v"], source, filename)


def record_gsyn(source: Any, filename: str) -> Any:
    """Record synaptic conductances to a file."""
    return record(["gsyn_exc", "gsyn_inh"], source, filename)
