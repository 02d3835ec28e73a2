"""An unconnected pool in BrainPy (JAX on the CPU). Runs inside BrainPy's own environment.

BrainPy's own neuron classes use other numerical schemes than the problems state, so each pool is a
``DynamicalSystem`` with the stated step, and the loop is ``brainpy.math.for_loop`` under
``brainpy.math.jit``, BrainPy's fastest way to run a model. One call is one timed run.

Variants: ``counted`` adds a spike counter per neuron to the loop (the cheapest way found for the
loop to give its spikes to anyone; the sum over the pool in each step is slower); ``uncounted``
leaves it out, and XLA then drops the spikes: what the bare equations cost.
"""

import os

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import brainpy as bp
import brainpy.math as bm
import jax
import jax.numpy as jnp
import numpy as np
from harness import Case, Outcome, main, time_runs
from problems import DT, INITIAL, PARAMETERS, refractory_steps


class Pool(bp.DynamicalSystem):
    """State and input common to the three pools."""

    def __init__(self, case: Case) -> None:
        super().__init__()
        self.p = PARAMETERS[case.model]
        self.current = jnp.asarray(case.current, dtype=jnp.float32)
        for name, value in INITIAL[case.model].items():
            setattr(self, name, bm.Variable(jnp.full(case.n, value, dtype=jnp.float32)))


class Lif(Pool):
    """Exact exponential step, refractory clamp by a step counter."""

    def __init__(self, case: Case) -> None:
        super().__init__(case)
        self.refrac = bm.Variable(jnp.zeros(case.n, dtype=jnp.int32))
        self.v_inf = self.p["v_rest"] + self.current * (self.p["tau_m"] / self.p["c_m"])
        self.decay = float(np.exp(-DT / self.p["tau_m"]))

    def update(self) -> jax.Array:
        """Advance by one step; return which neurons spike."""
        p, refrac = self.p, self.refrac.value
        active = refrac == 0
        v = self.v_inf + (self.v.value - self.v_inf) * self.decay
        v = jnp.where(active, v, p["v_reset"])
        spiked = v >= p["v_th"]
        self.v.value = jnp.where(spiked, p["v_reset"], v)
        counted_down = jnp.where(active, 0, refrac - 1)
        self.refrac.value = jnp.where(spiked, refractory_steps("lif"), counted_down)
        return spiked


class AdEx(Pool):
    """Forward Euler, both derivatives from the old state."""

    def update(self) -> jax.Array:
        """Advance by one step; return which neurons spike."""
        p, v, w = self.p, self.v.value, self.w.value
        upswing = p["g_l"] * p["delta_t"] * jnp.exp((v - p["v_t"]) * (1.0 / p["delta_t"]))
        dv = (-p["g_l"] * (v - p["e_l"]) + upswing - w + self.current) * (1.0 / p["c_m"])
        dw = (p["a"] * (v - p["e_l"]) - w) * (1.0 / p["tau_w"])
        v = v + DT * dv
        w = w + DT * dw
        spiked = v >= p["v_peak"]
        self.v.value = jnp.where(spiked, p["v_reset"], v)
        self.w.value = jnp.where(spiked, w + p["b"], w)
        return spiked


class Izhikevich(Pool):
    """v in two half steps, then u with the new v."""

    def update(self) -> jax.Array:
        """Advance by one step; return which neurons spike."""
        p, v, u = self.p, self.v.value, self.u.value
        for _half in range(2):
            v = v + 0.5 * DT * (0.04 * v * v + 5.0 * v + 140.0 - u + self.current)
        u = u + DT * p["a"] * (p["b"] * v - u)
        spiked = v >= p["v_peak"]
        self.v.value = jnp.where(spiked, p["c"], v)
        self.u.value = jnp.where(spiked, u + p["d"], u)
        return spiked


POOLS: dict[str, type[Pool]] = {"lif": Lif, "adex": AdEx, "izhikevich": Izhikevich}


def measure(case: Case) -> Outcome:
    """Count the spikes of the first run, then time further runs."""
    pool = POOLS[case.model](case)
    spikes = bm.Variable(jnp.zeros(case.n, dtype=jnp.int32))
    steps = jnp.arange(case.steps)

    def count(_step: jax.Array) -> None:
        spikes.value = spikes.value + pool.update().astype(jnp.int32)

    def advance(_step: jax.Array) -> None:
        pool.update()

    @bm.jit
    def counted() -> None:
        bm.for_loop(count, steps)

    @bm.jit
    def uncounted() -> None:
        bm.for_loop(advance, steps)

    timed = counted if case.variant == "counted" else uncounted

    def run() -> None:
        timed()
        jax.block_until_ready((pool.v.value, spikes.value))

    counted()
    total = int(np.asarray(spikes.value, dtype=np.int64).sum())
    run()  # compiles
    notes = [
        "own DynamicalSystem with the stated step; bm.jit around bm.for_loop",
        f"jax {jax.__version__} on {jax.devices()[0].platform}",
    ]
    return Outcome(bp.__version__, "float32", time_runs(run, case.repeats), total, notes)


if __name__ == "__main__":
    main("brainpy", measure, variants=("counted", "uncounted"))
