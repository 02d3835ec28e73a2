"""One process of an MPI job leaves, in ways that the others must not wait for."""

import os
import signal
import sys

from spikecuda import Network
from spikecuda.network.ranks.ranks import all_ranks

net = Network(devices="mpi", threads=1)
net.population("e", 100)
net.run(1.0)
how = sys.argv[1] if all_ranks().rank else ""
if how == "raises":
    raise ValueError("of one process")
if how == "exits":
    sys.exit(0)
if how == "leaves":
    os._exit(0)
if how == "reads":
    net["e"].state["v"].sum()
if how == "stopped":
    os.kill(os.getpid(), signal.SIGSTOP)
net.run(1.0)
print("not reached")
