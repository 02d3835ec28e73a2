"""Running error analysis of a model's kernel, on arrays: as ``bounds``, but for any model.

The kernel's own source (``rewrite``) is run on ``Bounded`` numbers, which carry beside each value
a bound of what the kernel's roundings have done to it: after every operation the errors of the
operands, propagated to first order and the product of two, and one rounding (Higham (2002)
Accuracy and Stability of Numerical Algorithms, section 3.3).  ``follow`` carries the bound through
a run: with E the bounds on the states' errors and J the Jacobian of an integration, by central
differences, ``E <- |J| E + e``, where e is the rounding error of one integration from exact states.

Nothing here says what a state should be: that is the oracle's.  The oracle computes in float64
with at most ``MORE`` times as many operations on the same terms, so the kernel's bound in float64
times ``MORE`` is added for it; the host derives constants with at most ``HOST`` roundings.
"""

from dataclasses import dataclass

import numpy as np
from bounds import SLACK, UNIT, R

from spikecuda.kernels.language.rewrite import rewrite
from spikecuda.verify.oracle import FUNCTION_ULP

MORE = 8
HOST = 32
# Second-order terms stay within SLACK while an error is below this part of a state's span.
LIMIT = 5e-4


@dataclass
class Truth:
    """A condition, and whether rounding leaves no doubt about it."""

    value: np.ndarray
    sure: np.ndarray


class Bounded:
    """Values with bounds of their errors, in arithmetic of unit roundoff ``unit``."""

    def __init__(self, value, error, unit):
        self.value, self.error, self.unit = np.asarray(value, np.float64), error, unit

    def rounded(self, value, error, ulps=1.0):
        """Return a result whose last operation errs by ``ulps`` units."""
        return Bounded(value, error + ulps * self.unit * (np.abs(value) + error), self.unit)

    def __add__(self, other):
        return self.rounded(self.value + other.value, self.error + other.error)

    def __sub__(self, other):
        return self.rounded(self.value - other.value, self.error + other.error)

    def __neg__(self):
        return Bounded(-self.value, self.error, self.unit)

    def compare(self, other, holds):
        """Return a Truth."""
        sure = np.abs(self.value - other.value) > self.error + other.error
        return Truth(holds(self.value, other.value), sure)

    def __lt__(self, other):
        return self.compare(other, np.less)

    def __gt__(self, other):
        return self.compare(other, np.greater)

    def __ge__(self, other):
        return self.compare(other, np.greater_equal)

    def __ne__(self, other):
        return self.compare(other, np.not_equal)

    __hash__ = None


def _product_error(a, b):
    return np.abs(a.value) * b.error + np.abs(b.value) * a.error + a.error * b.error


def _div(a, b):
    value = a.value / b.value
    room = np.abs(b.value) - b.error
    error = np.where(room > 0, (a.error + np.abs(value) * b.error) / room, np.inf)
    return a.rounded(value, error)


def _function(name):
    def call(x):
        error = np.exp(x.value) * np.expm1(x.error)
        return x.rounded(getattr(np, name)(x.value), error, 2 * FUNCTION_ULP[name])

    return call


def _select(condition, a, b):
    """Both sides count where the choice is in doubt."""
    value = np.where(condition.value, a.value, b.value)
    error = np.where(condition.value, a.error, b.error)
    either = np.maximum(np.abs(a.value - value) + a.error, np.abs(b.value - value) + b.error)
    return Bounded(value, np.where(condition.sure, error, either), a.unit)


def _minimum(a, b):
    return Bounded(np.minimum(a.value, b.value), np.maximum(a.error, b.error), a.unit)


def _both(a, b):
    no = (a.sure & ~a.value) | (b.sure & ~b.value)
    return Truth(a.value & b.value, no | (a.sure & b.sure))


def bounded_language(unit):
    """Return what a rewritten model function calls, on Bounded numbers."""
    return {
        "real": lambda x: Bounded(x, unit * abs(x), unit),
        "fma": lambda a, b, c: a.rounded(
            a.value * b.value + c.value, _product_error(a, b) + c.error
        ),
        "mul": lambda a, b: a.rounded(a.value * b.value, _product_error(a, b)),
        "div": _div,
        "exp": _function("exp"),
        "expm1": _function("expm1"),
        "select": _select,
        "minimum": _minimum,
        "both": _both,
    }


PLAIN = {
    "real": float,
    "fma": lambda a, b, c: a * b + c,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "exp": np.exp,
    "expm1": np.expm1,
    "select": np.where,
    "minimum": np.minimum,
    "both": np.logical_and,
}


class Kernel:
    """A model's functions with its constants, to be run on arrays.

    Args:
        model: a Model class.
        scheme: its scheme.
        params: all parameters, each scalar or (n,).
        h: length of an integration, ms.
    """

    def __init__(self, model, scheme, params, h):
        self.states, self.scheme, self.functions = list(model.states), scheme, model.functions
        given = {k: np.asarray(p.default, np.float64) for k, p in model.parameters.items()}
        given |= {k: np.asarray(v, np.float64) for k, v in params.items()}
        self.constants = model.constants(given, h)
        self.code = {
            name: compile(rewrite(self.functions[name], "function"), name, "exec")
            for name in (scheme, "threshold", "reset")
        }

    def call(self, name, language, known):
        """Call one of the functions with what it asks for from ``known``."""
        space = dict(language)
        exec(self.code[name], space)
        result = space["function"](*[known[a] for a in self.functions[name].arguments])
        return result if isinstance(result, tuple) else (result,)

    def bounded(self, name, unit, states, errors, **more):
        """Run a function on states (S, n) with errors (S, n) in the kernel's arithmetic.

        ``more`` has further arguments, each (value, error).
        """
        relative = unit + HOST * R
        known = {k: Bounded(c, relative * np.abs(c), unit) for k, c in self.constants.items()}
        known |= {
            k: Bounded(v, e, unit) for k, v, e in zip(self.states, states, errors, strict=True)
        }
        known |= {k: Bounded(v, e, unit) for k, (v, e) in more.items()}
        return self.call(name, bounded_language(unit), known)

    def step(self, states, current, unit):
        """Return the states after one integration, the kernel's error, and the Jacobian."""
        zero = np.zeros_like(states)
        inputs = {"current": current, "g_syn": zero[0], "g_e_syn": zero[0]}
        result, fine = (
            self.bounded(
                self.scheme, w, states, zero, **{k: (v, w * np.abs(v)) for k, v in inputs.items()}
            )
            for w in (unit, R)
        )
        error = np.array([r.error + MORE * f.error for r, f in zip(result, fine, strict=True)])
        value = np.array([r.value for r in result])
        jacobian = np.empty((len(states), len(states), current.size))
        for i in range(len(states)):
            delta = 1e-5 * (1.0 + np.abs(states[i]))
            ends = []
            for sign in (1.0, -1.0):
                moved = states.copy()
                moved[i] += sign * delta
                known = {**self.constants, **inputs, **dict(zip(self.states, moved, strict=True))}
                ends.append(np.array(self.call(self.scheme, PLAIN, known)))
            jacobian[:, i] = (ends[0] - ends[1]) / (2 * delta)
        return value, error, jacobian


def follow(model, traces, population, pulses, scheme, precision, substeps, spans, ambiguous=None):
    """Carry the error bound along an oracle's run.

    Args:
        model: a Model class.
        traces: of the oracle.
        population: a ``strategies.Population``.
        pulses: (steps, n) or None.
        scheme, precision, substeps: of the kernel.
        spans: the size of a considerable change of each state, (S,).
        ambiguous: (steps, n) bool: the pulse could be another one.

    Returns:
        judged: (steps, n) bool, whether spikes and states after the step are determined.
        errors: (S, n) bounds after the last step.
    """
    u = UNIT[precision]
    kernel = Kernel(model, scheme, population.params, population.dt / substeps)
    names = list(model.states)
    before = np.stack([traces[f"before_{name}"] for name in names])
    steps, parts, count = traces["fired"].shape
    errors, good = np.zeros((len(names), count)), np.ones(count, np.bool_)
    judged = np.zeros((steps, count), np.bool_)
    limits = LIMIT * np.asarray(spans)[:, None]
    with np.errstate(all="ignore"):
        for k in range(steps):
            for part in range(parts):
                quiet, fired = np.isnan(traces["tested"][k, part]), traces["fired"][k, part]
                old_states, old_errors = before[:, k, part], errors
                states, e, jacobian = kernel.step(old_states, population.current[k], u)
                spread = np.einsum("abn,bn->an", np.abs(jacobian), errors)
                errors = SLACK * (spread + e)
                if pulses is not None and part == parts - 1:
                    hit = np.where(quiet & (model.while_refractory != "silent"), 0.0, pulses[k])
                    states[0] = states[0] + hit
                    errors[0] += 3 * (u + R) * (np.abs(states[0]) + 2 * np.abs(hit))
                    good &= (hit == 0) | (True if ambiguous is None else ~ambiguous[k])
                old = zip(names, old_states, old_errors, strict=True)
                (crossed,) = kernel.bounded(
                    "threshold", u, states, errors, **{f"{n}_before": (v, e) for n, v, e in old}
                )
                good &= quiet | crossed.sure
                after = kernel.bounded("reset", u, states, errors)
                reset = np.array([np.broadcast_to(a.error, (count,)) for a in after])
                errors = np.where(fired, reset, errors)
                if model.while_refractory == "freeze":
                    errors = np.where(quiet, old_errors, errors)
                elif model.while_refractory == "clamp":
                    held = np.abs(np.broadcast_to(kernel.constants["v_reset"], count))
                    errors[0] = np.where(quiet, (u + R) * held, errors[0])
                good &= (errors < limits).all(axis=0)
            judged[k] = good
    return judged, errors
