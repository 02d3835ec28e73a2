"""A published network in one simulator, which runs on request; see ``networks.py``.

    python one_network.py SIMULATOR DESCRIPTION.json THREADS WARM_UP DURATION

Called in the simulator's own environment.  It makes the network of ``describe.py``, runs the
warm-up and writes a line of JSON.  Then it reads lines, each a duration in ms, runs as long and
answers with a line: seconds of the loop, and the spikes of each population.  The end of the input
ends it.  NEST and Brian2 make theirs by the scripts of ``spikecuda report``.
"""

import importlib
import json
import sys
import time
from pathlib import Path

from turns import answers, resident

HERE = Path(__file__).resolve().parent
REPORT = HERE.parent.parent / "spikecuda" / "report" / "peers"


def main() -> None:
    """Build, then run as often as standard input says."""
    simulator, threads = sys.argv[1], int(sys.argv[3])
    with open(sys.argv[2], encoding="utf-8") as file:
        description = json.load(file)
    warm_up, duration = float(sys.argv[4]), float(sys.argv[5])
    answer = answers()
    sys.path.append(str(REPORT))
    made_by = importlib.import_module(f"{simulator}_network")
    begin = time.perf_counter()
    built = made_by.Built(description, threads, warm_up, duration)
    late = simulator == "brian2"  # what is in memory is not the program that runs
    answer(build=built.ready - begin, memory=None if late else resident(), version=built.version)
    for line in sys.stdin:
        seconds, counts = built.run(float(line))
        answer(seconds=seconds, counts=counts)


if __name__ == "__main__":
    main()
