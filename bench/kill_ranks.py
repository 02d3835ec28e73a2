"""Kill a process of MPI at a random moment; the others end, and the run goes on from its file.

    python bench/kill_ranks.py [--kills 20] [--seed 0] [--phase save] [--stop]

A network that learns runs over 2 and 3 processes and saves itself now and then.  One of them is
ended by SIGKILL as it builds or loads, runs, reads or saves, in turn.  The others must end within
10 s, with one message.  The rest of the run is done from the file, over another number of
processes; weights, states and spikes must be those of a run that nobody disturbed, in one process.

With --stop, processes are stopped (SIGSTOP) instead, and SPIKECUDA_MPI_PATIENCE ends the others.
"""

import argparse
import hashlib
import os
import random
import shutil
import signal
import subprocess
import sys
import sysconfig
import tempfile
import time
from pathlib import Path

DURATION, PIECE = 60.0, 10.0
PHASES = ("build", "run", "read", "save")
# Seconds in which the others must have ended; that a phase is disturbed after; of patience.
SOON, MOST, PATIENCE = 10.0, 0.05, 2.0


def network(devices):
    """Return a small network that learns."""
    from spikecuda import Poisson, Uniform
    from spikecuda.network import ExpCurrent, FixedProbability, Network
    from spikecuda.plasticity import STDP

    net = Network(seed=3, devices=devices, threads=1)
    net.population(
        "E", 2000, "lif", initial={"v": Uniform(-70.0, -55.0)}, receptors={"exc": ExpCurrent(5.0)}
    )
    net.connect("E", "E", FixedProbability(0.05), 3.0, Uniform(0.5, 2.0),
                plasticity=STDP(w_max=6.0))  # fmt: skip
    net.drive("E", Poisson(rate=5000.0, weight=60.0))
    return net


def job(folder: Path, devices: str) -> None:
    """Run to the end, from the file if there is one; what every process does."""
    from spikecuda.network import Network

    rank = 0
    if devices == "mpi":
        from spikecuda.network.ranks.ranks import all_ranks

        rank = all_ranks().rank

    def enter(phase: str) -> None:
        note = folder / f"phase{rank}"
        note.with_suffix(".new").write_text(f"{os.getpid()} {phase}", encoding="utf-8")
        note.with_suffix(".new").replace(note)

    file = folder / "net.spk"
    enter("build 0")
    if file.exists():
        net = Network.load(file, devices=devices, threads=1)
    else:
        net = network(devices)
        net.build()
    while net.time < DURATION - 1e-9:
        piece = round(net.time / PIECE)
        enter(f"run {piece}")
        net.run(PIECE)
        enter(f"read {piece}")
        found = [net.projections[0].connections()["weight"], net["E"].state["v"]]
        enter(f"save {piece}")
        net.save(file)
    enter("end 0")
    spikes, metrics = net.result.spikes["E"], net.metrics()
    parts = [*found, spikes.step, spikes.neuron]
    text = hashlib.sha256(b"".join(part.tobytes() for part in parts)).hexdigest()
    if rank == 0:
        print(text, metrics.spikes, metrics.events)


def start(folder: Path, count: int, **environment: str) -> subprocess.Popen:
    """Start the job over so many processes; 0: without MPI."""
    command = [sys.executable, __file__, "--job", str(folder)]
    if count:
        scripts = sysconfig.get_path("scripts")
        found = shutil.which("mpiexec", path=scripts) or shutil.which("mpiexec")
        if found is None:
            raise SystemExit("mpiexec is not installed")
        command = [found, "-n", str(count), *command, "--mpi"]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "SPIKECUDA_QUIET": "1", **environment},
    )  # fmt: skip


def finish(folder: Path, count: int) -> str:
    """Run to the end; return what the job prints."""
    with start(folder, count) as process:
        out, error = process.communicate(timeout=120)
    if process.returncode:
        raise SystemExit(f"the rest of a run failed: {error}")
    return out.strip()


def disturb(folder: Path, count: int, phase: str, draw: random.Random, stop: bool) -> tuple:
    """Run, and kill a process; return seconds until all had ended, messages, who is left."""
    victim, wait = draw.randrange(count), draw.uniform(0.0, MOST)
    place = 0 if phase == "build" else draw.randrange(round(DURATION / PIECE) - 1)
    with start(folder, count, SPIKECUDA_MPI_PATIENCE=str(PATIENCE)) as process:
        note = folder / f"phase{victim}"
        while not (note.exists() and note.read_text(encoding="utf-8").endswith(f"{phase} {place}")):
            if process.poll() is not None:
                raise SystemExit(f"the job ended by itself: {process.communicate()[1]}")
            time.sleep(0.0005)
        time.sleep(wait)
        pids = [int(f.read_text(encoding="utf-8").split()[0]) for f in folder.glob("phase?")]
        os.kill(
            int(note.read_text(encoding="utf-8").split()[0]),
            signal.SIGSTOP if stop else signal.SIGKILL,
        )
        begin = time.perf_counter()
        out, error = process.communicate(timeout=60)
        seconds = time.perf_counter() - begin
    own = [line for line in error.splitlines() if line.startswith("rank ")]
    theirs = (out + error).count("BAD TERMINATION")
    left = [pid for pid in pids if alive(pid)]
    return seconds, own, theirs, left, process.returncode


def alive(pid: int) -> bool:
    """Tell whether a process is there, a moment later."""
    for _ in range(20):
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        time.sleep(0.05)
    return True


def main() -> int:
    """Kill and resume; return 0 if all went well."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--phase", choices=PHASES, help="of these in turn, by default")
    parser.add_argument("--stop", action="store_true")
    parser.add_argument("--job", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--mpi", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.job is not None:
        job(args.job, "mpi" if args.mpi else "cpu")
        return 0
    draw, good, soon, slowest = random.Random(args.seed), 0, 0, 0.0
    with tempfile.TemporaryDirectory() as temporary:
        whole = Path(temporary) / "whole"
        whole.mkdir()
        wanted = finish(whole, 0)
        for k in range(args.kills):
            folder = Path(temporary) / f"run{k}"
            folder.mkdir()
            phase, count, then = (
                args.phase or PHASES[k % 4],
                2 + k // 4 % 2,
                (0, 3, 1, 2)[k // 2 % 4],
            )
            seconds, own, theirs, left, code = disturb(folder, count, phase, draw, args.stop)
            limit = SOON + (PATIENCE if args.stop else 0.0)
            ended = seconds < limit and not left and code != 0
            # Of the launcher, or of a process that waited; several of those may tell the same.
            told = len(own) in range(1, count) if args.stop else theirs == 1 and not own
            soon += ended and told
            slowest = max(slowest, seconds)
            same = finish(folder, then) == wanted
            good += same
            how = f"{count} processes, one {'stopped' if args.stop else 'killed'} in {phase}"
            print(f"{how}: ended after {seconds:.2f} s; went on over {then or 'one without MPI'}: "
                  f"{'the same bits' if same else 'OTHER BITS'}", flush=True)  # fmt: skip
            if not (ended and told):
                print(f"  {left=} {code=} {own=} {theirs=}")
    print(f"{soon} of {args.kills} jobs ended in time with one message, the slowest after "
          f"{slowest:.2f} s")  # fmt: skip
    print(f"{good} of {args.kills} runs have the bits of the undisturbed one")
    return 0 if good == soon == args.kills else 1


if __name__ == "__main__":
    sys.exit(main())
