"""One process of an MPI job leaves, in ways that the others must not wait for."""

import os
import signal
import sys

from mpi4py import MPI

from spikecuda import Network

how = sys.argv[1] if MPI.COMM_WORLD.rank else ""
if how == "never comes":
    raise ValueError("before its network")
net = Network(devices="mpi", threads=1)
if how == "does not build":
    raise ValueError("before a build")
net.population("e", 100)
net.run(1.0)
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
