"""Models that give derivatives: the schemes made from them, their orders, and what is refused."""

import inspect
import linecache
import math

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from spikecuda import GPUNeuronPool, Model, Parameter, State
from spikecuda.errors import ModelError, SpikecudaValueError
from spikecuda.kernels.language.check import read
from spikecuda.kernels.language.differentiate import differentiate
from spikecuda.kernels.language.schemes import NAMES
from spikecuda.language import exp, expm1, fma, log, pow, real, select, sqrt
from spikecuda.models import LIF
from spikecuda.oracle import check_model

STEPS = np.array([0.2, 0.1, 0.05, 0.025])
CURRENTS = np.array([150.0, 300.0, 480.0])
START = {"v": -66.0, "w": 20.0}


class Bent(Model):
    """A membrane with a bent leak, an adaptation current and a smooth way to its threshold."""

    name = "_bent"
    v = State("mV", initial=-66.0, origin=-65.0, span=20.0)
    w = State("pA", initial=20.0, span=100.0)
    v_th = Parameter(-45.0, "mV")
    b = Parameter(40.0, "pA")

    def dv(v, w, current):
        bent = real(0.4) * (v + real(65.0)) * (v + real(50.0))
        return real(0.005) * (bent - w + current)

    def dw(v, w):
        return real(0.02) * (real(3.0) * (v + real(65.0)) - w)

    def threshold(v, v_th):
        return v >= v_th

    def reset(w, b):
        return real(-62.0), w + b


def exact(current, duration, spiking):
    """Solve the equations with events; return the states at the end and the spikes."""

    def slope(_, y):
        v, w = y
        bent = 0.4 * (v + 65.0) * (v + 50.0)
        return 0.005 * (bent - w + current), 0.02 * (3.0 * (v + 65.0) - w)

    def crossed(_, y):
        return y[0] + 45.0

    crossed.terminal = crossed.direction = 1.0
    t, y, spikes = 0.0, list(START.values()), 0
    while t < duration:
        found = solve_ivp(
            slope, (t, duration), y, "DOP853", events=crossed if spiking else None,
            rtol=1e-12, atol=1e-12,
        )  # fmt: skip
        t, y = found.t[-1], found.y[:, -1]
        if found.status == 1:
            y, spikes = [-62.0, y[1] + 40.0], spikes + 1
    return y, spikes


def ends(scheme, dt, duration, params):
    with GPUNeuronPool(
        3, Bent, scheme=scheme, dt=dt, precision="float64", initial=START, params=params,
        device="cpu",
    ) as pool:  # fmt: skip
        result = pool.run(duration=duration, input=CURRENTS)
        return np.array([pool.state["v"], pool.state["w"]]), result.spikes.counts(3)


def orders(scheme, duration, spiking):
    """Return the orders of v and w that the last halving of the step shows, and all errors."""
    params = {"v_th": -45.0 if spiking else 1e4}
    truth = [exact(c, duration, spiking) for c in CURRENTS]
    goal, errors = np.array([y for y, _ in truth]).T, []
    for dt in STEPS * (5 if scheme == "rk4" else 1):
        states, spikes = ends(scheme, dt, duration, params)
        assert (spikes == [n for _, n in truth]).all()
        errors.append(np.sqrt(((states - goal) ** 2).mean(axis=1)))
    return np.log2(errors[-2] / errors[-1]), errors


ORDER = {"rk4": 4, "heun": 2, "strang": 2, "euler": 1, "exponential_euler": 1, "heun_crossing": 2}


@pytest.mark.parametrize("scheme", NAMES)
def test_orders_between_spikes(scheme):
    measured, errors = orders(scheme, 16.0, spiking=False)
    assert (errors[-1] > 1e-11).all(), "too small to measure an order"
    assert np.abs(measured - ORDER[scheme]).max() < 0.15, measured


def test_order_with_spikes():
    truth = [exact(c, 60.0, True)[1] for c in CURRENTS]
    assert truth[1] >= 1 and truth[2] >= 3
    measured, errors = orders("heun_crossing", 60.0, spiking=True)
    # Over three halvings: the place of a spike in its step makes single ones uneven.
    measured = np.log2(errors[0] / errors[-1]) / 3
    assert (measured > 1.7).all() and (measured < 2.3).all(), measured
    late = orders("rk4", 60.0, spiking=True)[1]
    assert (late[-1] > 20 * errors[-1]).all(), "resets on the grid have order 1"


def test_schemes_agree_with_extended_precision():
    """Kernels against the written schemes as plain Python, with a derived bound."""
    report = check_model(
        Bent, neurons=80, precisions=("float64",), current=(0.0, 500.0), spread=25.0, seed=3
    )
    assert {key[2] for key in report.compared} == set(NAMES)
    assert min(report.compared.values()) > 60 and min(report.spikes.values()) > 5


def test_schemes_are_what_they_say_in_plain_python():
    """The written source is one formula each; the numbers are worked out by hand."""
    v, w, i, h = -60.0, 10.0, 100.0, 0.5
    a, c = Bent.dv(v, w, i), Bent.dw(v, w)
    euler = v + h * a, w + h * c
    assert Bent.schemes["euler"](v, w, i, h) == pytest.approx(euler, rel=1e-15)
    heun = v + h / 2 * (a + Bent.dv(*euler, i)), w + h / 2 * (c + Bent.dw(*euler))
    assert Bent.schemes["heun"](v, w, i, h) == pytest.approx(heun, rel=1e-15)
    bend = 0.005 * 0.4 * (2 * v + 115.0), -0.02
    phi = [math.expm1(h * x) / (h * x) for x in bend]
    rosenbrock = v + h * phi[0] * a, w + h * phi[1] * c
    assert Bent.schemes["exponential_euler"](v, w, i, h) == pytest.approx(rosenbrock, rel=1e-14)
    # v by half a step, w by a step, v by half a step.
    first = v + h / 2 * math.expm1(h / 2 * bend[0]) / (h / 2 * bend[0]) * a
    then = w + h * phi[1] * Bent.dw(first, w)
    j = h / 2 * 0.005 * 0.4 * (2 * first + 115.0)
    last = first + h / 2 * math.expm1(j) / j * Bent.dv(first, then, i)
    assert Bent.schemes["strang"](v, w, i, h) == pytest.approx((last, then), rel=1e-14)
    text = inspect.getsource(Bent.schemes["rk4"])
    assert text.startswith("def rk4(v, w, current, dt):") and "_slope_v(_r_v, _r_w" in text
    assert Bent.crossing["heun_crossing"](-40.0, -45.0, -50.0) == pytest.approx(0.5)


@pytest.mark.parametrize(
    ("scheme", "precision"), [("strang", "float32"), ("heun_crossing", "float16")]
)
def test_bits_on_the_emulated_gpu_and_over_splits(scheme, precision):
    current = np.linspace(0.0, 600.0, 40)
    seen = set()
    for device, runs in (("cpu", (300,)), ("cpu", (1, 99, 200)), ("cuda-emu", (300,))):
        with GPUNeuronPool(40, Bent, scheme=scheme, precision=precision, device=device) as pool:
            spikes = [pool.run(steps=n, input=current).spikes for n in runs]
            steps = np.concatenate([s.step for s in spikes])
            seen.add((steps.tobytes(), pool.state["v"].tobytes(), pool.state["w"].tobytes()))
    assert len(seen) == 1 and len(steps) > 40


class Linear(Model):
    """Linear in v: exponential Euler is exact."""

    name = "_linear_equation"
    schemes = ("exponential_euler",)
    v = State("mV", initial=-70.0, origin=-70.0, span=20.0)
    tau = Parameter(7.0, "ms", above=0.0)

    def dv(v, tau, current):
        return (current - (v + real(70.0))) / tau

    def threshold(v):
        return v > real(0.0)

    def reset(v):
        return v


def test_exponential_euler_is_exact_for_a_linear_equation():
    assert list(Linear.schemes) == ["exponential_euler"]
    for dt in (0.1, 2.0, 30.0):
        state = -70.0
        for _ in range(3):
            (state,) = np.atleast_1d(Linear.schemes["exponential_euler"](state, 7.0, 12.0, dt))
        assert state == pytest.approx(-70.0 - 12.0 * math.expm1(-3 * dt / 7.0), abs=1e-12)


# Each construct that has a derivative, as a function of x and of y, which does not depend on x.
FUNCTIONS = (
    "return x * x * y - x / (y + x) + -x",
    "return exp(x * y) + expm1(real(0.5) * x) * log(x + real(2.0)) - sqrt(x * x + real(1.0))",
    "return fma(x, y, x * x) + mul(x, x) - div(y, x + real(3.0))",
    "return min(x, y * y) + max(x * x, y) + abs(x - y)",
    "return pow(x + real(2.0), y + real(1.5)) + pow(y, x) + pow(y, y)",
    "return select(x > y, x * x, y) + (x if y > real(0.3) else x * y)",
    "a = x * y\n    if a > y:\n        a = a * a\n    else:\n        a += x\n    return a + y",
    "a = y\n    x = x * x\n    for _ in range(3):\n        a = a * x - x\n    return a",
)


def defined(text, name="f"):
    """Return a function with readable source."""
    file = f"<text {abs(hash(text))}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = {
        "abs": abs, "div": lambda a, b: a / b, "exp": exp, "expm1": expm1, "fma": fma, "log": log,
        "min": min, "max": max, "mul": lambda a, b: a * b, "pow": pow, "real": real,
        "select": select, "sqrt": sqrt, "Model": Model, "State": State, "Parameter": Parameter,
    }  # fmt: skip
    exec(compile(text, file, "exec"), space)
    return space.get(name), space


@pytest.mark.parametrize("body", FUNCTIONS)
def test_derivatives_are_central_differences(body):
    function, space = defined(f"def f(x, y):\n    {body}\n")
    text = differentiate(read(function, "t"), "x", "slope")
    exec(text, space)
    rng, h = np.random.default_rng(5), 1e-6
    for x, y in rng.uniform(0.05, 1.5, (60, 2)):
        expected = (function(x + h, y) - function(x - h, y)) / (2 * h)
        sides = function(x + h, y) - function(x, y), function(x, y) - function(x - h, y)
        if abs(sides[0] - sides[1]) > 1e-10:  # a kink between
            continue
        assert space["slope"](x, y) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def expressions(depth):
    """Expressions of the language in x, y and a, all smooth and bounded."""
    if depth == 0:
        return st.sampled_from(["x", "y", "a", "real(0.7)", "real(-1.3)"])
    one, two = expressions(depth - 1), st.tuples(expressions(depth - 1), expressions(depth - 1))
    pairs = (
        "({} + {})", "({} - {})", "({} * {})", "{} / (real(2.0) + abs(mul({}, y)))",
        "fma({}, {}, x)", "select(y > real(0.5), {}, {})", "min({}, {} + real(40.0))",
    )  # fmt: skip
    singles = (
        "-{}", "exp(-abs({}) * y)", "log(real(1.5) + {} * {})", "sqrt(real(1.0) + {} * {})",
        "pow(real(1.0) + {} * {}, y)", "expm1(min({}, real(1.0)))",
    )  # fmt: skip
    return st.one_of(
        st.builds(lambda form, ab: form.format(*ab), st.sampled_from(pairs), two),
        st.builds(lambda form, a: form.format(a, a), st.sampled_from(singles), one),
    )


@given(expressions(3), expressions(2), st.floats(0.1, 2.0), st.floats(0.1, 2.0))
def test_derivatives_of_any_expression(last, first, x, y):
    function, space = defined(
        f"def f(x, y):\n    a = x\n    if y > real(1.0):\n        a = {first}\n    return {last}\n"
    )
    text = differentiate(read(function, "t"), "x", "slope")
    values, h = [function(x + k * 1e-5, y) for k in (-2, -1, 0, 1, 2)], 1e-5
    near = (values[3] - values[1]) / (2 * h), (values[4] - values[0]) / (4 * h)
    size = max(map(abs, values)) + abs(near[0]) + 1.0
    assume(size < 1e4 and abs(near[0] - near[1]) < 1e-6 * size)  # no kink, and no steep slope
    if text is None:
        assert abs(near[0]) < 1e-9 * size
        return
    exec(text, space)
    assert space["slope"](x, y) == pytest.approx(near[0], abs=1e-5 * size)


def test_a_derivative_without_its_own_state_is_euler():
    function, _ = defined("def f(x, y):\n    a = y * y\n    return a + real(1.0)\n")
    assert differentiate(read(function, "t"), "x", "slope") is None
    assert differentiate(read(function, "t"), "z", "slope") is None


REFUSED = {
    "def dv(v): return v, v": r"_Bad.dv, line 5 of <text .*must return the change of v in a ms",
    "def dv(v, dt): return v": r"_Bad.dv, line 5 .*in a ms, whatever the step is .*leave dt out",
    "def dv(v, u): return v": r"_Bad.dv, line 5 of .*unknown argument 'u'",
    "def dv(v): return v ** real(2)": r"_Bad.dv, line 5 of .*powers call libm",
    "def dv(v): return v * normal()": r"_Bad.dv, line 5 .*is for step, threshold and reset",
    "def dv(v): return -v\n    def dx(v): return v": r"_Bad.dx is the derivative of no state",
    "def dv(v): return -v\n    def step(v): return v": "both derivatives and a step",
    "def dv(v): return -v\n    w = State('pA')": r"derivatives, and none of 'w' .*def dw\(w, ",
    "def dv(v): return -v\n    schemes = ('rk3',)": r"\(got 'rk3'\); did you mean 'rk4'\?; choose",
    "def dv(v): return -v\n    schemes = 'rk4'": r"must be a tuple .*\(got 'rk4'\)",
    "def dv(v): return -v\n    schemes = ('heun_crossing',)\n"
    "    def threshold(v, k): return v > k and k > v": "line 7 .*needs a threshold",
}


@pytest.mark.parametrize("body", REFUSED, ids=[b.split("\n")[-1] for b in REFUSED])
def test_what_is_refused_at_definition(body):
    text = (
        f"class _Bad(Model):\n    v = State('mV')\n    k = Parameter(1.0)\n\n    {body}\n"
        f"    def reset(v): return v\n"
    )
    if "threshold" not in body:
        text += "    def threshold(v, k): return v > k\n"
    with pytest.raises(ModelError, match=REFUSED[body]):
        defined(text)


def test_derivatives_in_place_of_the_steps_of_a_base():
    class Other(LIF):
        """The equation of ``lif``, whose parameters, threshold and reset it has."""

        name = "_other_lif"

        def dv(v, tau_m, v_rest, c_m, current):
            return (v_rest - v) / tau_m + current / c_m

    assert list(Other.schemes) == list(NAMES) and "exact" in LIF.schemes
    exact = LIF.schemes["exact"](-60.0, 200.0, *derived(LIF, "exact"))
    found = Other.schemes["exponential_euler"](-60.0, 20.0, -65.0, 200.0, 200.0, 0.1)
    assert found == pytest.approx(exact, rel=1e-14)
    with pytest.raises(ModelError, match=r"must be a tuple of schemes, .*\(got {'a'"):

        class _Both(LIF):
            schemes = {"a": LIF.schemes["exact"]}

            def dv(v):
                return -v


def derived(model, scheme):
    """Return the constants of a step after v and current, for the default parameters."""
    values = model.constants(model.resolve(None, 1), 0.1)
    return [float(values[a]) for a in model.functions[scheme].arguments[2:]]


def test_schemes_that_a_model_does_not_have_say_why():
    with pytest.raises(SpikecudaValueError, match=r"has the schemes exponential_euler \(got 'rk4'"):
        GPUNeuronPool(2, Linear, scheme="rk4", device="cpu")
    with pytest.raises(SpikecudaValueError, match="its author chose these"):
        Linear.check_scheme("heun_crossing")

    class Both(Bent):
        """Another threshold, which has no crossing of its own."""

        name = "_both"

        def threshold(v, w, v_th):
            return v >= v_th and w > real(0.0)

    assert list(Both.schemes) == [n for n in NAMES if n != "heun_crossing"]
    with pytest.raises(SpikecudaValueError, match="needs a threshold that returns one comparison"):
        Both.check_scheme("heun_crossing")

    class Own(Both):
        """The same with its own crossing."""

        name = "_own"

        def crossing(v_before, v, v_th):
            return (v_th - v_before) / (v - v_before)

    assert list(Own.schemes) == list(NAMES)
