"""Integration schemes written from the derivatives of a model's states.

Each is source in the model language that calls ``_slope_<state>``, the user's derivative, and, for
the exponential one, ``_bend_<state>``, its partial derivative by the state itself.  Derivatives are
per ms, and inputs are constant over a step.

Sources: Hairer, Norsett & Wanner (1993) Solving Ordinary Differential Equations I, section II.1
(Euler, Heun, Kutta's method of order 4); Hochbruck & Ostermann (2010) Acta Numerica 19:209, section
2.4 (exponential Rosenbrock-Euler method, here with the diagonal of the Jacobian); Strang (1968)
SIAM J Numer Anal 5:506 (splitting).
"""

import ast
import copy
from collections.abc import Mapping

from spikecuda.kernels.language.check import Source

# The first is a model's default, unless its author chooses.
NAMES = ("rk4", "heun", "strang", "euler", "exponential_euler", "heun_crossing")
CROSSING = "heun_crossing"
# Those that use the derivative of a slope by its own state.
BENT = ("strang", "exponential_euler")
SLOPE, BEND = "slope", "bend"


class Writer:
    """The texts of all schemes of a model.

    Args:
        slopes: the derivative of each state, in the order of declaration.
        bends: the states whose derivative depends on the state itself.
    """

    def __init__(self, slopes: Mapping[str, Source], bends: set[str]) -> None:
        self.slopes, self.bends = slopes, bends
        names = dict.fromkeys(slopes)
        for source in slopes.values():
            names.update(dict.fromkeys(source.arguments))
        self.arguments = (*names, "dt")

    def write(self, name: str) -> str:
        """Return the source of a scheme's step."""
        body = {
            "euler": self.euler, "heun": self.heun, "rk4": self.rk4,
            "exponential_euler": self.exponential, "strang": self.strang, CROSSING: self.heun,
        }[name]  # fmt: skip
        return self.function(name, self.arguments, body("dt"))

    def resume(self) -> str:
        """Return the source of Heun's method over ``part`` of a step."""
        lines = ["_rest = part * dt", *self.heun("_rest")]
        return self.function("resume", (*self.arguments, "part"), lines)

    @staticmethod
    def function(name: str, arguments: tuple[str, ...], lines: list[str]) -> str:
        """Return the source of a function."""
        body = "\n    ".join(lines)
        return f"def {name}({', '.join(arguments)}):\n    {body}\n"

    def slope_lines(self, called: str, at: str = "") -> list[str]:
        """Return lines ``<called>_<state> = derivative`` at the states, or those after ``at``."""
        lines = []
        for state, source in self.slopes.items():
            names = [f"{at}{a}" if at and a in self.slopes else a for a in source.arguments]
            lines.append(f"{called}{state} = _{SLOPE}_{state}({', '.join(names)})")
        return lines

    def moved(self, called: str, h: str, slope: str) -> list[str]:
        """Return lines ``<called>_<state>``: the states after h along slopes."""
        return [f"{called}{s} = fma({h}, {slope}{s}, {s})" for s in self.slopes]

    def returned(self, text: str) -> str:
        """Return the line that returns an expression for each state."""
        return "return " + ", ".join(text.format(s=s) for s in self.slopes)

    def euler(self, h: str) -> list[str]:
        """Return the lines of forward Euler over h."""
        return [*self.slope_lines("_a_"), self.returned(f"fma({h}, _a_{{s}}, {{s}})")]

    def heun(self, h: str) -> list[str]:
        """Return the lines of Heun's method: the mean of the slopes at both ends."""
        return [
            *self.slope_lines("_a_"), *self.moved("_p_", h, "_a_"),
            *self.slope_lines("_b_", "_p_"), f"_half = real(0.5) * {h}",
            self.returned("fma(_half, _a_{s} + _b_{s}, {s})"),
        ]  # fmt: skip

    def rk4(self, h: str) -> list[str]:
        """Return the lines of the classical method of order 4."""
        return [
            f"_half = real(0.5) * {h}", *self.slope_lines("_a_"),
            *self.moved("_p_", "_half", "_a_"), *self.slope_lines("_b_", "_p_"),
            *self.moved("_q_", "_half", "_b_"), *self.slope_lines("_c_", "_q_"),
            *self.moved("_r_", h, "_c_"), *self.slope_lines("_d_", "_r_"),
            f"_sixth = real(0.16666666666666666) * {h}",
            self.returned("fma(_sixth, fma(real(2.0), _b_{s} + _c_{s}, _a_{s} + _d_{s}), {s})"),
        ]  # fmt: skip

    def exponential(self, h: str) -> list[str]:
        """Return the lines of ``relaxed`` for all states, from those at the start."""
        lines = [line for s in self.slopes for line in self.relaxed(s, h, f"_e_{s}", {})]
        return [*lines, self.returned("_e_{s}")]

    def strang(self, h: str) -> list[str]:
        """Return the lines of steps of one state after the other, there and back.

        States that do not depend on each other, as gates, take their step together in the middle.
        """
        middle: list[str] = []
        for state in reversed(list(self.slopes)):
            if not any(self.depends(state, s) or self.depends(s, state) for s in middle):
                middle.insert(0, state)
        outer = [s for s in self.slopes if s not in middle]
        now: dict[str, str] = {}
        lines = [f"_half = real(0.5) * {h}"]
        for turn, states, step in (("f", outer, "_half"), ("m", middle, h), ("b", outer, "_half")):
            for state in states if turn != "b" else reversed(states):
                called = f"_{turn}_{state}"
                lines += self.relaxed(state, step, called, now)
                now[state] = called
        return [*lines, "return " + ", ".join(now[s] for s in self.slopes)]

    def depends(self, state: str, other: str) -> bool:
        """Tell whether the derivative of a state takes another."""
        return other in self.slopes[state].arguments

    def relaxed(self, state: str, h: str, called: str, now: Mapping[str, str]) -> list[str]:
        """Return lines of x + h phi(h j) f with phi(z) = (e^z - 1) / z: exact for a linear f.

        Args:
            state: x.
            h: name of the step.
            called: name of the result.
            now: names of states that have moved.
        """
        arguments = ", ".join(now.get(a, a) for a in self.slopes[state].arguments)
        start, slope = now.get(state, state), f"_{SLOPE}_{state}({arguments})"
        if state not in self.bends:
            return [f"{called} = fma({h}, {slope}, {start})"]
        z = f"_z{called}"
        phi = f"(expm1({z}) / {z} if {z} != real(0.0) else real(1.0))"
        return [
            f"{z} = {h} * _{BEND}_{state}({arguments})",
            f"{called} = fma({h} * {phi}, {slope}, {start})",
        ]


class _Before(ast.NodeTransformer):
    """Replace states by those before the step."""

    def __init__(self, states: tuple[str, ...]) -> None:
        self.states = states

    def visit_Name(self, node: ast.Name) -> ast.Name:
        return ast.Name(f"{node.id}_before", node.ctx) if node.id in self.states else node


def write_crossing(threshold: Source, states: tuple[str, ...]) -> str | None:
    """Return the source of a crossing by the straight line; None: the threshold has no such form.

    A threshold that returns ``a >= b`` (or ``>``, ``<=``, ``<``) is passed where a - b is 0.
    """
    body = [n for n in threshold.tree.body if not isinstance(n, ast.Expr | ast.Pass)]
    value = body[0].value if isinstance(body[0], ast.Return) else None
    if not isinstance(value, ast.Compare) or not set(threshold.arguments) & set(states):
        return None
    if any(name == f"{s}_before" for s in states for name in threshold.arguments):
        return None
    left, right = value.left, value.comparators[0]
    if isinstance(value.ops[0], ast.Lt | ast.LtE):
        left, right = right, left
    elif not isinstance(value.ops[0], ast.Gt | ast.GtE):
        return None
    after = f"({ast.unparse(left)}) - ({ast.unparse(right)})"
    then = _Before(states)
    old = [ast.unparse(then.visit(copy.deepcopy(side))) for side in (left, right)]
    arguments = list(threshold.arguments)
    arguments += [f"{a}_before" for a in threshold.arguments if a in states]
    lines = [
        f"_now = {after}", f"_way = max(({old[1]}) - ({old[0]}), real(0.0))",
        "_all = _now + _way", "return _way / (_all if _all > real(0.0) else real(1.0))",
    ]  # fmt: skip
    return Writer.function("crossing", tuple(arguments), lines)
