"""How far a correct kernel may be from the network oracle: first-order running error analysis.

u is the unit roundoff of float64, in which the kernel, the host's constants and the oracle compute.
A term that k roundings affect adds ``k u |term|``.  Counts are rounded up to one number for all
terms of a sum: what matters is that the bound stays far below the distances that decide spikes.

- A receptor's state, ``fma(keep, x, ...)``: keep and drift from the host (argument, exp, product:
  4), the two operations (2), the same in the oracle (6); rise and peak (5 + 5), one product each.
- A membrane of "lif": a term passes through at most two operations for each of four receptors, two
  for the input and two of the step (12); constants meet 8 (`to_i`: measured 6.2), the oracle's sum
  is as long (12), its constants are correct to 1.
- "lif_cond": likewise for the two sums, a division, exp of ``h g / c_m`` (1.1 ulp, and three
  roundings of an argument that the bound multiplies), the last fma.
- What arrives between steps: one addition more for each, of a sum and product as above.
- The block of NMDA: argument, exp, fma, division, and the same in the oracle.

All of these are below 40 u.  Errors are carried on by the derivatives of a step: through the
membrane's own decay, the receptors' states it sees, and the block.  A reset or a clamp sets v
exactly; weights and their sums are exact in both.
"""

import numpy as np

UNIT = 40 * 2.0**-53


def follow(populations, traces, fired, dt):
    """Return (judged, e_v, e_x): what is certain, and how certain.

    Args:
        populations, traces, fired: of the oracle.
        dt: ms.

    Returns:
        judged: number of steps in which no neuron is nearer to its threshold than its error.
        e_v: (steps + 1, n), the bound of v; e_x: (steps + 1, n, ports, 2), of receptors' states.
    """
    steps, n = fired.shape
    e_v, e_x = np.zeros((steps + 1, n)), np.zeros_like(traces["x"])
    judged, first = steps, 0
    for p in populations:
        part = slice(first, first + p.count)
        first += p.count
        values = {k: np.asarray(value, np.float64) for k, value in p.params.items()}
        current = np.broadcast_to(np.asarray(p.current, np.float64), (steps, p.count))
        for k in range(steps):
            v, x = traces["from_v"][k, part], traces["from_x"][k, part]
            tested, x_new = traces["tested"][k, part], traces["x"][k + 1, part]
            step = _currents if p.model == "lif" else _conductances
            error = step(p.receptors, values, v, x, current[k], e_v[k, part], e_x[k, part], dt)
            jumps = any(kind == "delta" for kind, _ in p.receptors)
            error = error + jumps * 4 * 2.0**-53 * (np.abs(tested) + np.abs(v))
            free = ~np.isnan(tested)
            if np.any(free & (np.abs(tested - values["v_th"]) <= error)):
                judged = min(judged, k)
                break
            e_v[k + 1, part] = np.where(free & ~fired[k, part], error, 0.0)
            e_x[k + 1, part] = _receptors(p.receptors, x, x_new, e_x[k, part], dt)
    return judged, e_v, e_x


def _receptors(receptors, x, new, error, dt):
    """Return the errors of the receptors' states after a step."""
    size = UNIT * (np.abs(x) + np.abs(new))
    size[..., 0] += UNIT * dt * np.abs(x[..., 1])
    result = np.zeros_like(error)
    for port, (kind, values) in enumerate(receptors):
        e = error[:, port]
        if kind == "nmda" or kind.startswith("beta"):
            keep = np.exp(-dt / np.array([values["tau_decay"], values["tau_rise"]]))
            result[:, port] = keep * e + size[:, port]
        elif kind != "delta":
            keep = np.exp(-dt / values["tau"])
            result[:, port] = keep * e + size[:, port]
            result[:, port, 0] += dt * keep * e[:, 1] * kind.startswith("alpha")
    return result


def _second(kind, dt):
    """Return how much of a current's second state acts in a step, at most."""
    return 1.0 if kind.startswith("beta") else dt * kind.startswith("alpha")


def _mean(kind, values, v, x, e_v, e_x, dt):
    """Return |g|, the error of g's mean over the step, and e_rev."""
    if kind in ("nmda", "beta_conductance"):
        parts = dt / np.array([values["tau_decay"], values["tau_rise"]])
        keep = -np.expm1(-parts) / parts
        steep = values.get("mg", 0.0) / 3.57 * np.exp(-0.062 * v)
        block = 1.0 / (1.0 + steep)
        size = block * (np.abs(x) @ keep)
        slope = 0.062 * (1.0 - block) * size
        return size, block * (e_x @ keep) + slope * e_v + UNIT * size, values["e_rev"]
    part = dt / values["tau"]
    keep = -np.expm1(-part) / part
    # The mean of t e^(-t / tau) is at most that of t.
    drift = 0.5 * dt * kind.startswith("alpha")
    size = keep * np.abs(x[:, 0]) + drift * np.abs(x[:, 1])
    return size, keep * e_x[:, 0] + drift * e_x[:, 1] + UNIT * size, values["e_rev"]


def _currents(receptors, p, v, x, current, e_v, e_x, dt):
    """Return the error of "lif" after a step."""
    decay, gain = np.exp(-dt / p["tau_m"]), -np.expm1(-dt / p["tau_m"]) * p["tau_m"] / p["c_m"]
    size = np.abs(v) + 2 * np.abs(p["v_rest"]) + gain * np.abs(current)
    slope, error = decay, np.zeros_like(e_v)
    for port, (kind, values) in enumerate(receptors):
        if kind.endswith("conductance") or kind == "nmda":
            g, e_g, e_rev = _mean(kind, values, v, x[:, port], e_v, e_x[:, port], dt)
            size = size + gain * g * (np.abs(e_rev) + np.abs(v))
            slope = slope + gain * g
            error = error + gain * e_g * np.abs(e_rev - v)
        elif kind != "delta":
            # At most as if it did not decay.
            part = np.array([1.0, _second(kind, dt)])
            size = size + gain * (np.abs(x[:, port]) @ part)
            error = error + gain * (e_x[:, port] @ part)
    return slope * e_v + error + UNIT * size


def _conductances(receptors, p, v, x, current, e_v, e_x, dt):
    """Return the error of "lif_cond" after a step."""
    size = p["g_l"] * np.abs(p["e_l"]) + np.abs(current)
    # Conductances are >= 0; the parts of NMDA's, which are not, add up to more.
    total, most = np.full_like(v, p["g_l"]), np.full_like(v, p["g_l"])
    of_g, of_i = [], np.zeros_like(v)
    for port, (kind, values) in enumerate(receptors):
        if kind.endswith("current"):
            # At most as if it did not decay.
            part = np.array([1.0, _second(kind, dt)])
            size = size + np.abs(x[:, port]) @ part
            of_i = of_i + e_x[:, port] @ part
            continue
        g, e_g, e_rev = _mean(kind, values, v, x[:, port], e_v, e_x[:, port], dt)
        of_g.append((e_g, np.abs(e_rev)))
        size, most = size + g * np.abs(e_rev), most + g
        if kind not in ("nmda", "beta_conductance"):
            total = total + g
    goal = size / total
    far = goal + np.abs(v)
    # (1 - e^(-h g / c_m)) / g is at most h / c_m.
    gain = dt / p["c_m"]
    error = gain * of_i + sum(gain * e_g * (e_rev + goal + far) for e_g, e_rev in of_g)
    left = np.exp(-gain * total)
    return left * e_v + error + UNIT * (1 + gain * most) * far
