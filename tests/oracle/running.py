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
from spikecuda.verify.tracked import FUNCTION_ULP

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
    return -_maximum(-a, -b)


def _maximum(a, b):
    """Only what may be the larger counts."""
    value = np.maximum(a.value, b.value)
    errors = [np.where(x.value + x.error >= value - y.error, x.error, 0.0)
              for x, y in ((a, b), (b, a))]  # fmt: skip
    return Bounded(value, np.maximum(*errors), a.unit)


def _log(x):
    room = x.value - x.error
    error = np.where(room > 0, np.log(np.where(room > 0, x.value / room, 1.0)), np.inf)
    return x.rounded(np.log(x.value), error, 2 * FUNCTION_ULP["log"])


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
        "log": _log,
        "minimum": _minimum,
        "maximum": _maximum,
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
    "log": np.log,
    "minimum": np.minimum,
    "maximum": np.maximum,
    "both": np.logical_and,
}


class Kernel:
    """A model's functions with its constants, to be run on arrays.

    Args:
        model: a Model class.
        scheme: its scheme.
        params: all parameters, each scalar or (n,).
        h: length of an integration, ms.
        substeps: integrations in a step.
    """

    def __init__(self, model, scheme, params, h, substeps):
        self.states, self.scheme, self.functions = list(model.states), scheme, model.functions
        given = {k: np.asarray(p.default, np.float64) for k, p in model.parameters.items()}
        given |= {k: np.asarray(v, np.float64) for k, v in params.items()}
        self.constants = model.constants(given, h)
        self.code = {
            name: compile(rewrite(self.functions[name], "function"), name, "exec")
            for name in model.step_functions(scheme)
        }
        self.crossing, self.resume = (
            model.part_of(scheme, part) for part in ("crossing", "resume")
        )
        t_ref = given.get("t_ref", np.zeros(()))
        self.stays = np.rint(t_ref / (h * substeps)) > 0

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
        return self.call(name, bounded_language(unit), self.known(unit, states, errors, more))

    def known(self, unit, states, errors, more):
        """Return constants, states (S, n) and what is in ``more``, all as Bounded, by name."""
        relative = unit + HOST * R
        known = {k: Bounded(c, relative * np.abs(c), unit) for k, c in self.constants.items()}
        known |= {
            k: Bounded(v, e, unit) for k, v, e in zip(self.states, states, errors, strict=True)
        }
        return known | {k: Bounded(v, e, unit) for k, (v, e) in more.items()}

    def advance(self, language, known, quiet):
        """Integrate once; return the states, and where they crossed the threshold within it.

        ``known`` has everything by name, in the language's numbers; ``quiet`` (n,) says who is
        refractory.  Without a ``crossing`` nobody crosses within an integration.
        """
        truth = (lambda x: Truth(x, np.ones_like(x))) if language is not PLAIN else lambda x: x
        fma, real, select = language["fma"], language["real"], language["select"]
        held = {**known, "refractory": truth(quiet)}
        new = self.call(self.scheme, language, held)
        if self.crossing is None:
            return new, None
        named = dict(zip(self.states, new, strict=True))
        before = {f"{name}_before": known[name] for name in self.states}
        tested = {**held, **named, **before}
        (within,) = self.call("threshold", language, tested)
        (part,) = self.call(self.crossing, language, tested)
        part = language["minimum"](language["maximum"](part, real(0.0)), real(1.0))
        at = {n: fma(part, named[n] - known[n], known[n]) for n in self.states}
        after = self.call("reset", language, {**known, **at})
        left = real(1.0) - part
        resumed = {**known, **dict(zip(self.states, after, strict=True))}
        stays = np.broadcast_to(self.stays, quiet.shape)
        resumed |= {"part": left, "refractory": truth(stays)}
        end = list(self.call(self.resume or self.scheme, language, resumed))
        if self.resume is None:
            end = [fma(left, e - a, a) for e, a in zip(end, after, strict=True)]
        end[0] = select(truth(stays), known["v_reset"], end[0])
        within = language["both"](within, truth(~quiet))
        return [select(within, e, n) for e, n in zip(end, new, strict=True)], within

    def step(self, states, current, unit, quiet):
        """Return the states after one integration, the kernel's error, the Jacobian, crossings."""
        zero = np.zeros_like(states)
        inputs = {"current": current, "g_syn": zero[0], "g_e_syn": zero[0]}
        found = []
        for w in (unit, R):
            known = self.known(w, states, zero, {k: (v, w * np.abs(v)) for k, v in inputs.items()})
            found.append(self.advance(bounded_language(w), known, quiet))
        (result, within), (fine, _) = found
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
                ends.append(np.array(self.advance(PLAIN, known, quiet)[0]))
            jacobian[:, i] = (ends[0] - ends[1]) / (2 * delta)
        return value, error, jacobian, within


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
    kernel = Kernel(model, scheme, population.params, population.dt / substeps, substeps)
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
                states, e, jacobian, within = kernel.step(
                    old_states, population.current[k], u, quiet
                )
                spread = np.einsum("abn,bn->an", np.abs(jacobian), errors)
                errors = SLACK * (spread + e)
                if pulses is not None and part == parts - 1:
                    lost = quiet if within is None else quiet | (within.value & kernel.stays)
                    hit = np.where(lost & (model.while_refractory != "silent"), 0.0, pulses[k])
                    states[0] = states[0] + hit
                    errors[0] += 3 * (u + R) * (np.abs(states[0]) + 2 * np.abs(hit))
                    good &= (hit == 0) | (True if ambiguous is None else ~ambiguous[k])
                old = zip(names, old_states, old_errors, strict=True)
                (crossed,) = kernel.bounded(
                    "threshold", u, states, errors, **{f"{n}_before": (v, e) for n, v, e in old}
                )
                if within is None:
                    good &= quiet | crossed.sure
                else:
                    good &= quiet | within.sure
                    good &= quiet | within.value | crossed.sure
                    fired = fired & ~within.value
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
