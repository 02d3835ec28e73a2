"""Kill runs at random moments, go on from their files, and compare with undisturbed runs.

    python bench/kill_and_resume.py [--kills 50] [--seed 0]

A network that learns runs in a process of its own and saves itself every 2 ms of model time.  It is
ended by SIGKILL at a random moment, also while it writes; another process loads the file and runs
the rest, and every second one is killed again.  Spikes and weights must be those of a run that
nobody disturbed.
"""

import argparse
import hashlib
import os
import random
import signal
import sys
import tempfile
import time
from pathlib import Path

from spikecuda import Poisson, Uniform
from spikecuda.network import ExpCurrent, FixedProbability, Network
from spikecuda.plasticity import STDP

DURATION, EVERY = 100.0, 2.0
PLACES = [{"threads": 1}, {"threads": 2, "partitions": 3}]


def network() -> Network:
    """Return a small network that learns."""
    net = Network(seed=3, devices="cpu", threads=1)
    net.population(
        "E", 100, "lif", initial={"v": Uniform(-70.0, -55.0)}, receptors={"exc": ExpCurrent(5.0)}
    )
    net.connect("E", "E", FixedProbability(0.2), 20.0, Uniform(0.5, 2.0),
                plasticity=STDP(w_max=40.0))  # fmt: skip
    net.drive("E", Poisson(rate=5000.0, weight=60.0))
    return net


def digest(net: Network) -> str:
    """Return a hash of all spikes and of the weights."""
    spikes = net.result.spikes["E"]
    parts = (spikes.step, spikes.neuron, net.projections[0].weights)
    return hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()


def finish(path: Path, place: dict[str, int]) -> str:
    """Run to the end, from a file if there is one; return the hash of the whole run."""
    if not path.exists():
        net = network()
        net.run(DURATION, save_every=EVERY, save_to=path)
        return digest(net)
    net = Network.load(path, devices="cpu", **place)
    net.run(DURATION - net.time, save_every=EVERY, save_to=path)
    return digest(net)


def killed(path: Path, seconds: float) -> bool:
    """Run in another process and kill it; tell whether it was still running."""
    child = os.fork()
    if child == 0:
        try:
            finish(path, PLACES[0])
        finally:
            os._exit(0)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def main() -> int:
    """Kill and resume; return 0 if all went well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    draw, good, in_time = random.Random(args.seed), 0, 0
    with tempfile.TemporaryDirectory() as folder:
        begin = time.perf_counter()
        finish(Path(folder) / "warm", PLACES[0])
        whole = network()
        whole.run(DURATION)
        wanted = digest(whole)
        whole.close()
        begin = time.perf_counter()
        assert finish(Path(folder) / "first", PLACES[0]) == wanted
        seconds = time.perf_counter() - begin
        for k in range(args.kills):
            path = Path(folder) / f"run{k}"
            # Some are killed again when they have gone on.
            in_time += sum(killed(path, draw.uniform(0.0, seconds)) for _ in range(1 + k % 2))
            good += finish(path, PLACES[k % 2]) == wanted
    print(f"{good} of {args.kills} runs have the bits of the undisturbed one")
    print(f"{in_time} times one was killed while it ran, for {seconds:.2f} s undisturbed")
    return 0 if good == args.kills else 1


if __name__ == "__main__":
    sys.exit(main())
