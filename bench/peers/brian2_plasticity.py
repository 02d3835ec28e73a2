"""The plastic network of ``plastic_problem.py`` in Brian2's C++ standalone mode, float32.

See ``turns.py`` for how it is run.  The program runs from the start each time, warm-up included,
with new random numbers; Brian2 itself reports how long the loop of its second part took.  The
synapses are those of Brian2's documentation: event-driven traces in each synapse, and a delay of
the source's spikes, which is axonal.
"""

import logging
import os
import tempfile

os.environ.pop("OMP_WAIT_POLICY", None)  # "active" halves the speed of two threads

import brian2 as b2
import numpy as np
import plastic_problem as problem
from turns import serve

TRACES = """w : 1
dx/dt = -x / ({tau_plus} * ms) : 1 (event-driven)
dy/dt = -y / ({tau_minus} * ms) : 1 (event-driven)
"""
PRE = {
    "additive": "w = clip(w - {down} * y, 0, {w_max}); x += 1; v_post += w",
    "power": "w = clip(w - {down} * w * y, 0, {w_max}); x += 1; v_post += w",
}
POST = {
    "additive": "w = clip(w + {up} * x, 0, {w_max}); y += 1",
    "power": "w = clip(w + {up} * w**{mu} * x, 0, {w_max}); y += 1",
}


def values(given: dict[str, float], scale: float) -> dict[str, float]:
    """A rule's numbers, with the steps of potentiation and depression."""
    return {**given, "up": given["lam"] * scale, "down": given["lam"] * given["alpha"] * scale}


class Built:
    """A network, compiled for one duration at a time."""

    version = b2.__version__
    late = True

    def __init__(self, rule: str, threads: int, seed: int) -> None:
        logging.getLogger("brian2").setLevel(logging.ERROR)
        self.rule, self.random = rule, np.random.default_rng(seed)
        b2.prefs.core.default_float_dtype = np.float32
        b2.prefs.devices.cpp_standalone.openmp_threads = threads if threads > 1 else 0
        b2.set_device("cpp_standalone", build_on_run=False)
        b2.seed(seed)
        b2.defaultclock.dt = problem.DT * b2.ms
        self.objects: list[object] = []
        self.cells: dict[str, b2.NeuronGroup] = {}
        self.recurrent: b2.Synapses | None = None
        if rule == problem.SONG:
            self.song()
        else:
            self.brunel()
        self.network = b2.Network(self.objects)
        self.folder = tempfile.TemporaryDirectory(prefix="brian2_plasticity_")
        self.duration: float | None = None

    def brunel(self) -> None:
        """Make Brunel's network."""
        for name, size in (("E", problem.N_E), ("I", problem.N_I)):
            cells = b2.NeuronGroup(
                size, f"dv/dt = -v / ({problem.TAU_M} * ms) : 1 (unless refractory)\n"
                "fired : integer\nwarm : integer", threshold=f"v >= {problem.V_TH}",
                reset=f"v = {problem.V_RESET}; fired += 1", method="exact",
                # Brian2 counts from the spiking step: t_ref alone would clamp one step fewer.
                refractory=(problem.T_REF + problem.DT) * b2.ms,
            )  # fmt: skip
            cells.v = f"rand() * {problem.V_TH}"
            # Binomial numbers of a thousand tries are Poisson's to a thousandth.
            drive = b2.PoissonInput(cells, "v", 1000, problem.POISSON / 1000 * b2.Hz, problem.J)
            self.cells[name] = cells
            self.objects += [cells, drive]
        for source, number, weight in (
            ("E", problem.C_E, problem.J), ("I", problem.C_I, -problem.G * problem.J),
        ):  # fmt: skip
            for target in ("E", "I"):
                recurrent = source == target == "E"
                if recurrent and self.rule == problem.WITHOUT:
                    continue
                if recurrent and self.rule != "static":
                    self.recurrent = self.connect(source, target, number, learns=True)
                    self.recurrent.w = problem.J
                else:
                    self.connect(source, target, number, weight)

    def song(self) -> None:
        """Make the neuron of Song, Miller and Abbott and its inputs."""
        rule = values(problem.SONG_STDP, problem.SONG_STDP["w_max"])
        given = problem.SONG_NEURON
        tau, e_exc, e_inh = problem.SONG_TAU, problem.SONG_E_EXC, problem.SONG_E_INH
        cell = b2.NeuronGroup(
            1, f"""dv/dt = ({given["g_l"]} * ({given["e_l"]} - v) + x_exc * ({e_exc} - v)
            + x_inh * ({e_inh} - v)) / ({given["c_m"]} * ms) : 1 (unless refractory)
            dx_exc/dt = -x_exc / ({tau} * ms) : 1
            dx_inh/dt = -x_inh / ({tau} * ms) : 1
            fired : integer
            warm : integer""", threshold=f"v >= {given['v_th']}",
            reset=f"v = {given['v_reset']}; fired += 1", method="exponential_euler",
            refractory=(given["t_ref"] + problem.DT) * b2.ms,
        )  # fmt: skip
        cell.v = given["e_l"]
        inputs = b2.PoissonGroup(problem.SONG_INPUTS, problem.SONG_RATE * b2.Hz)
        inhibition = b2.PoissonInput(
            cell, "x_inh", 1000, problem.SONG_INHIBITION / 1000 * b2.Hz, problem.SONG_INHIBITORY
        )
        synapses = b2.Synapses(
            inputs, cell, TRACES.format(**rule),
            on_pre=PRE["additive"].format(**rule).replace("v_post", "x_exc_post"),
            on_post=POST["additive"].format(**rule), delay={"pre": problem.SONG_DELAY * b2.ms},
        )  # fmt: skip
        synapses.connect()
        synapses.w = f"rand() * {problem.SONG_STDP['w_max']}"
        self.cells["cell"], self.recurrent = cell, synapses
        self.objects += [inputs, cell, inhibition, synapses]

    def connect(
        self, source: str, target: str, number: int, weight: float = 0.0, learns: bool = False
    ) -> b2.Synapses:
        """Draw and add synapses."""
        cells, goal = self.cells[source], self.cells[target]
        delay = problem.DELAY * b2.ms
        if learns:
            given = {"additive": problem.ADDITIVE, "power": problem.POWER}[self.rule]
            rule = values(given, given["w_max"] if self.rule == "additive" else 1.0)
            synapses = b2.Synapses(
                cells, goal, TRACES.format(**rule), on_pre=PRE[self.rule].format(**rule),
                on_post=POST[self.rule].format(**rule), delay={"pre": delay},
            )  # fmt: skip
        else:
            synapses = b2.Synapses(cells, goal, on_pre=f"v_post += {weight!r}", delay=delay)
        sources = self.random.integers(0, len(cells), (len(goal), number))
        synapses.connect(i=sources.ravel(), j=np.repeat(np.arange(len(goal)), number))
        self.objects.append(synapses)
        return synapses

    def run(self, duration: float) -> float:
        """Run the warm-up and, with a first call's duration, only compile what follows."""
        if self.duration is None:
            # The warm-up: it becomes the first part of every run.
            self.network.run(duration * b2.ms)
            self.duration = 0.0
            return 0.0
        if self.duration == 0.0:
            for cells in self.cells.values():
                cells.warm = "fired"
            self.network.run(duration * b2.ms)
            b2.device.build(directory=self.folder.name, run=False, with_output=False)
            self.duration, self.total = duration, (0, 0)
        if duration != self.duration:
            raise ValueError(f"duration must be {self.duration} as in the first run ({duration})")
        b2.device.run(with_output=False)
        counts = [int(np.sum(c.fired[:] - c.warm[:])) for c in self.cells.values()]
        if self.rule == problem.SONG:
            counts.insert(0, problem.song_inputs(duration))
        e, i = counts
        self.total = (self.total[0] + e, self.total[1] + i)
        return float(b2.device._last_run_time)

    def spikes(self) -> tuple[int, int]:
        """The spikes of each population so far, without those of warm-ups."""
        return self.total if self.duration else (0, 0)

    def weights(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the plastic weights."""
        if self.recurrent is None:
            return None
        values = np.asarray(self.recurrent.w[:], dtype=np.float64)
        return float(values.mean()), float(values.std())


serve(Built)
