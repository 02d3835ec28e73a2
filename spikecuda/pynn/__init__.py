"""A backend of PyNN: ``import spikecuda.pynn as sim`` runs scripts that are written for PyNN.

``docs/pynn.md`` says what exists, and what differs from other backends.  Needs the extra ``pynn``:
``pip install "spikecuda[pynn]"``.
"""

from spikecuda.common.packages import need

need("pyNN", "pynn", "spikecuda.pynn")

from pyNN import errors, random, space  # noqa: E402, F401
from pyNN.network import Network  # noqa: E402, F401
from pyNN.parameters import Sequence  # noqa: E402, F401
from pyNN.random import GSLRNG, NumpyRNG, RandomDistribution  # noqa: E402, F401
from pyNN.space import Space  # noqa: E402, F401
from pyNN.standardmodels import StandardCellType  # noqa: E402

from spikecuda.pynn.connectors import *  # noqa: E402, F403
from spikecuda.pynn.control import (  # noqa: E402, F401
    end,
    get_current_time,
    get_max_delay,
    get_min_delay,
    get_network,
    get_time_step,
    initialize,
    num_processes,
    rank,
    reset,
    run,
    run_for,
    run_until,
    setup,
)
from spikecuda.pynn.populations import Assembly, Population, PopulationView  # noqa: E402, F401
from spikecuda.pynn.procedural_api import (  # noqa: E402, F401
    connect,
    create,
    record,
    record_gsyn,
    record_v,
    set,
)
from spikecuda.pynn.projections import Projection  # noqa: E402, F401
from spikecuda.pynn.random import NativeRNG  # noqa: E402, F401
from spikecuda.pynn.standardmodels.base import NotAvailableError, unavailable  # noqa: E402, F401
from spikecuda.pynn.standardmodels.cells import *  # noqa: E402, F403
from spikecuda.pynn.standardmodels.electrodes import (  # noqa: E402, F401
    ACSource,
    DCSource,
    NoisyCurrentSource,
    StepCurrentSource,
)
from spikecuda.pynn.standardmodels.receptors import *  # noqa: E402, F403
from spikecuda.pynn.standardmodels.synapses import *  # noqa: E402, F403

MultiCompartmentNeuron = unavailable(
    "MultiCompartmentNeuron", "neurons with compartments do not exist here"
)


def list_standard_models() -> list[str]:
    """Return the names of the standard cell types that exist."""
    return [
        name
        for name, value in sorted(globals().items())
        if isinstance(value, type)
        and issubclass(value, StandardCellType)
        and value is not StandardCellType
    ]
