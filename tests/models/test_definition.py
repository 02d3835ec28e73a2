"""A user's own model: ten lines, and what it may not do is found at definition, with the line."""

import inspect
import linecache

import numpy as np
import pytest

from spikecuda import GPUNeuronPool, Model, Noise, Parameter, State
from spikecuda.errors import ModelError, SpikecudaTypeError, SpikecudaValueError
from spikecuda.language import exp, expm1, fma, log, real, select, sqrt
from spikecuda.models import as_model, names
from spikecuda.models.registry import find


class Quadratic(Model):
    """Quadratic integrate-and-fire."""

    v = State("mV", initial=-65.0)
    tau_m = Parameter(10.0, "ms", above=0.0)
    v_rest = Parameter(-65.0, "mV")
    v_crit = Parameter(-50.0, "mV")
    v_peak = Parameter(20.0, "mV")
    v_reset = Parameter(-70.0, "mV")

    def step(v, v_rest, v_crit, tau_m, current, dt):
        return v + dt / tau_m * (real(0.04) * (v - v_rest) * (v - v_crit) + current)

    def threshold(v, v_peak):
        return v >= v_peak

    def reset(v_reset):
        return v_reset


def qif_reference(current, steps, dt=0.1):
    """The same equations in plain Python."""
    v = np.full(len(current), -65.0)
    spikes = []
    for _ in range(steps):
        v = v + dt / 10.0 * (0.04 * (v + 65.0) * (v + 50.0) + current)
        fired = v >= 20.0
        v[fired] = -70.0
        spikes.append(fired)
    return np.array(spikes), v


@pytest.mark.parametrize("precision, tolerance", [("float64", 1e-9), ("float32", 2e-2)])
def test_a_users_model_runs_like_a_built_in(precision, tolerance):
    current = np.linspace(0.0, 60.0, 100)
    expected, v = qif_reference(current, 1000)
    with GPUNeuronPool(100, Quadratic, precision=precision, device="cpu") as pool:
        result = pool.run(steps=1000, input=current)
        np.testing.assert_array_equal(result.spikes.counts(100), expected.sum(axis=0))
        quiet = expected.sum(axis=0) == 0
        assert 5 < quiet.sum() < 95
        np.testing.assert_allclose(pool.state["v"][quiet], v[quiet], atol=tolerance)


def test_a_users_model_is_known_by_name():
    assert as_model("quadratic") is Quadratic and "quadratic" in names()
    with GPUNeuronPool(3, "Quadratic", device="cpu") as pool:
        assert pool.model is Quadratic


@pytest.mark.parametrize("precision", ["float16", "float32", "float64"])
def test_a_users_model_gives_the_same_bits_on_the_emulated_gpu(precision):
    seen = []
    for device in ("cpu", "cuda-emu"):
        with GPUNeuronPool(100, Quadratic, precision=precision, device=device, seed=1) as pool:
            result = pool.run(steps=200, input=Noise(20.0, mean=30.0))
            seen.append((result.spikes.step.tobytes(), pool.state["v"].tobytes()))
    assert seen[0] == seen[1] and seen[0][0]


class Branching(Model):
    """Every construct of the language."""

    name = "_branching"
    x = State("", initial=0.5)
    y = State("", initial=2.0)
    k = Parameter(0.25, at_least=-1.0, at_most=1.0)

    def step(x, y, k, current, dt):
        """A docstring is allowed."""
        a: float = exp(-x) + expm1(x) * k + log(y) - sqrt(abs(y)) * current
        low = min(a, k)
        high = max(a, -k)
        if a > k and not y < x:
            b = low * real(2)
            if x > real(0.75):
                b += k
            else:
                b -= dt
        elif a < -k or y > real(3.0):
            b = high / (y + real(4.0))
        else:
            b = a if x > k else -a
        for _ in range(3):
            b = fma(b, real(0.5), k)
        c = select(b > k, b, x - b)
        return c - x * real(0.125), y * real(0.5) + b

    def threshold(x, y, k):
        return x > real(0.9) or (y > real(1.5) and k > real(0.0))

    def reset(x, y):
        return x - real(1.0), y


@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
def test_every_construct_means_what_python_says(device):
    rng = np.random.default_rng(4)
    n = 300
    x, y = rng.uniform(-1.0, 1.5, n), rng.uniform(0.1, 5.0, n)
    k, current = rng.uniform(-1.0, 1.0, n), rng.uniform(-1.0, 1.0, n)
    with GPUNeuronPool(
        n, Branching, params={"k": k}, initial={"x": x, "y": y}, precision="float64", device=device
    ) as pool:
        spikes = pool.run(steps=1, input=current).spikes.counts(n)
        for i in range(n):
            new = Branching.schemes["step"](x[i], y[i], k[i], current[i], 0.1)
            fired = Branching.threshold(*new, k[i])
            expected = Branching.reset(*new) if fired else new
            assert spikes[i] == fired
            # A dozen roundings of numbers below 32, and an exp and a log of an ulp each.
            np.testing.assert_allclose(
                (pool.state["x"][i], pool.state["y"][i]), expected, rtol=0, atol=32 * 2e-15
            )
        assert 20 < spikes.sum() < n - 20


class Clock(Model):
    """x adds up the current, y counts steps and, in hundreds, spikes."""

    name = "_clock"
    x = State("", initial=0.0)
    y = State("", initial=0.0)
    t_ref = Parameter(0.3, "ms")
    refractory = True
    while_refractory = "silent"

    def step(x, y, current):
        return x + current, y + real(1.0)

    def threshold(x, x_before):
        return x >= real(2.0) and x_before < real(2.0)

    def reset(x, y):
        return x, y + real(100.0)


class Frozen(Clock):
    """The same, but nothing moves for t_ref after a spike."""

    name = "_frozen"
    while_refractory = "freeze"
    schemes = Clock.schemes

    def reset(x, y):
        return real(0.0), y + real(100.0)


@pytest.mark.parametrize("device", ["cpu", "cuda-emu"])
@pytest.mark.parametrize("substeps", [1, 2])
def test_a_silent_neuron_goes_on_and_a_frozen_one_does_not(device, substeps):
    """By hand, with dt = t_ref / 3: x counts the steps since the last reset."""
    one = 1.0 / substeps
    for model, x, y, spikes in (
        # Up to 2 in step 1, no crossing while it stays above.
        (Clock, [1, 2, 3, 4, 5, 6, 7, 8], [1, 102, 103, 104, 105, 106, 107, 108], [1]),
        # Up to 2 in step 1, three steps still, then again.
        (Frozen, [1, 0, 0, 0, 0, 1, 0, 0], [1, 102, 102, 102, 102, 103, 204, 204], [1, 6]),
    ):
        with GPUNeuronPool(
            2, model, dt=0.1, substeps=substeps, device=device, precision="float64"
        ) as pool:
            result = pool.run(steps=8, input=one, record=("spikes", "x", "y"))
            assert result.spikes.step[result.spikes.neuron == 0].tolist() == spikes
            np.testing.assert_array_equal(result.traces["x"][:, 1], x)
            steps = (np.array(y) % 100) * substeps + np.array(y) // 100 * 100
            np.testing.assert_array_equal(result.traces["y"][:, 1], steps)


BAD = {
    "return v + dt * (0.04 * v)": ("bare literal 0.04 would promote", 7, r"real\(0.04\)"),
    "return v * 2": ("bare literal 2 would promote", 7, r"real\(2\)"),
    "return math.exp(v)": ("libm and NumPy give other bits", 7, r"use exp\(\)"),
    "return np.tanh(v)": ("libm and NumPy give other bits", 7, "the language has"),
    "while v > k:\n            v = k\n        return v": ("loop without bound", 7, "range"),
    "for _ in range(k):\n            v = k\n        return v": ("literal bound", 7, "range"),
    "for _ in range(100000):\n            v = k\n        return v": ("literal bound", 7, "range"),
    "for j in range(3):\n            v = k\n        return v": ("loop's counter", 7, "call it _"),
    "return v ** k": ("powers call libm", 7, "v \\* v"),
    "return v // k": ("operator FloorDiv", 7, "use"),
    "return tanh(v)": ("'tanh' cannot be called", 7, "the language has"),
    "return cos(v)": ("cos is for functions of the distance only", 7, "as two states"),
    "return sqr(v)": ("did you mean 'sqrt'", 7, "the language has"),
    "return v + kk": ("unknown name 'kk'; did you mean 'k'", 7, "make a constant a Parameter"),
    "return v, k": ("must return x|must return v", 6, "one value for each state"),
    "return v > k": ("must return v", 6, "one value"),
    "v, w = k, k\n        return v": ("one name on its left", 7, "one name a line"),
    "print(v)\n        return v": ("Expr is not part", 7, "use assignments"),
    "return [v][0]": ("Subscript is not part", 7, "arithmetic"),
    "return (lambda: v)()": ("cannot be called", 7, "the language has"),
    "if v > k:\n            return v\n        return k": ("return must be the last", 8, "select"),
    "if v > k:\n            z = v\n        return z": ("unknown name 'z'", 9, "sees its arguments"),
    "if v:\n            v = k\n        return v": ("needs a condition", 7, "comparison"),
    "return v + (v > k)": ("arithmetic needs two numbers", 7, "select"),
    "return k < v < k": ("two sides", 7, "and"),
    "return real(v)": ("takes a literal number", 7, "drop real"),
    "return exp(v, k)": ("exp takes 1 arguments", 7, "mend"),
    "return None": ("a value is a number or a condition", 7, "use a number"),
    "return real(1e400)": ("takes a finite number", 7, "a smaller one"),
    "return exp": ("a function is not a value", 7, "call it"),
    "_a = v\n        return _a": ("'_a' is taken", 7, "another name"),
    "v = v > k\n        return k": ("changes from number to condition", 7, "new name"),
    "global z\n        return v": ("Global is not part", 7, "use assignments"),
    "pass": ("ends in one return", 6, "return the result"),
    "import math\n        return v": ("Import is not part", 7, "use assignments"),
}  # fmt: skip


def define(body, extra="", arguments="v, k, dt", made=None):
    text = f"""
class _Bad(Model):
    v = State("mV")
    k = Parameter(1.0)
    {extra}
    def step({arguments}):
        {body}
    def threshold(v):
        return v > v
    def reset(v):
        return v
"""
    file = f"<model {abs(hash(text))}>"
    linecache.cache[file] = (len(text), None, text.splitlines(True), file)
    space = {} if made is None else made
    space |= {"Model": Model, "State": State, "Parameter": Parameter}
    exec(compile(text, file, "exec"), space)
    return file


@pytest.mark.parametrize("body", BAD, ids=[b.split("\n")[0] for b in BAD])
def test_what_a_model_may_not_do_is_found_at_definition(body):
    problem, line, remedy = BAD[body]
    with pytest.raises(ModelError, match=problem) as caught:
        define(body)
    assert f"line {line} of <model" in str(caught.value)
    with pytest.raises(ModelError, match=remedy):
        raise caught.value


def test_unknown_arguments_and_names_are_refused():
    with pytest.raises(ModelError, match=r"unknown argument 'tau_m'.*takes v, k, current, g_syn"):
        define("return v", arguments="v, tau_m")
    with pytest.raises(ModelError, match=r"g_syn and g_e_syn or neither \(got only 'g_syn'\)"):
        define("return v", arguments="v, g_syn")
    with pytest.raises(ModelError, match="the name is taken"):
        define("return v", extra="g_syn = Parameter(1.0)")
    with pytest.raises(ModelError, match="plain positional"):
        define("return v", arguments="v, *k")
    with pytest.raises(ModelError, match=r"without \*, / and defaults"):
        define("return v", arguments="v, /, k")
    with pytest.raises(ModelError, match="plain positional"):
        define("return v", arguments="v, k=1.0")
    with pytest.raises(ModelError, match="the name is taken"):
        define("return v", extra="current = Parameter(1.0)")
    with pytest.raises(ModelError, match=r"_Bad.name must be a text .got 3"):
        define("return v", extra="name = 3")
    for bad in ("(('k', '<', 'w'),)", "(('k', '=<', 'k'),)", "('k', '<', 'k')", "(([], '<', 3),)"):
        with pytest.raises(ModelError, match="requires must relate parameters by <"):
            define("return v", extra=f"requires = {bad}")
    with pytest.raises(ModelError, match="pulse must name a state"):
        define("return v", extra="pulse = 'w'")
    with pytest.raises(ModelError, match="refractory = True needs"):
        define("return v", extra="refractory = True")
    with pytest.raises(ModelError, match=r"must be one of clamp, freeze, silent .*did you mean"):
        define("return v", extra="while_refractory = 'freezes'")
    with pytest.raises(ModelError, match="unknown argument 'v_before'"):
        define("return v", arguments="v, v_before")


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("k", "'k' is taken by _Bad.k"),
        ("v", "'v' is taken by _Bad.v"),
        ("part", "'part' is taken by the kernel"),
        ("v_before", "'v_before' is taken by the kernel"),
        ("not a name", "must name constants as functions can"),
        ("if", "must name constants as functions can"),
    ],
)
def test_names_of_constants_that_are_refused(name, problem):
    with pytest.raises(ModelError, match=rf"_Bad.derive.*{problem}"):
        define("return v", f"def derive(k):\n        return {{{name!r}: k}}")


def test_a_derive_that_is_no_plain_function_is_refused():
    with pytest.raises(ModelError, match=r"derive must be a plain function, .*got 3"):
        define("return v", extra="derive = 3")


@pytest.mark.parametrize("extra", ["w = State", "rate = Parameter"])
def test_a_declaration_without_parentheses_is_refused(extra):
    name, kind = extra.split(" = ")
    with pytest.raises(ModelError, match=rf"_Bad.{name} must be a {kind} .*write {name} = {kind}"):
        define("return v", extra=extra)


@pytest.mark.parametrize(
    ("result", "error", "problem"),
    [
        (
            "{1.0: {'share': 1.0}}[float(k)]",
            SpikecudaValueError,
            "got KeyError: 2.0 at dt",
        ),
        ("{'share': 1.0 / (float(k) - 2.0)}", SpikecudaValueError, "ZeroDivisionError: float"),
        ("[float(k)]", ModelError, "must return a dict of constants by name"),
        ("{'share': 'a'}", SpikecudaTypeError, "derive: share must be"),
    ],
)
def test_a_derive_that_fails_says_so(result, error, problem):
    made = {}
    with pytest.raises(error, match=problem):
        # At the definition, or with other parameters.
        define("return v * share", f"def derive(k):\n        return {result}", "v, share", made)
        made["_Bad"].constants(made["_Bad"].resolve({"k": 2.0}, 3), 0.1)


def silent(v):
    return v > v


def test_two_models_are_not_one():
    lif, adex = find("lif"), find("adex")
    with pytest.raises(ModelError, match=r"_Two has threshold from .*LIF.threshold, AdEx.thr"):
        type("_Two", (lif, adex), {})
    # A base that is no model replaces what the model has, as in Python.
    given = {"threshold": silent, "tau_m": Parameter(3.0, "ms", above=0.0)}
    other = type("Other", (), given)
    mixed = type("_Mixed", (other, lif), {})
    assert mixed.parameters["tau_m"].default == 3.0
    assert mixed.functions["threshold"].name == "_Mixed.silent"
    diamond = type("_Both", (type("_A", (lif,), {}), type("_B", (lif,), given)), {})
    assert diamond.functions["threshold"].name == "_Both.silent"


def test_literals_and_constants_that_a_pool_cannot_have_are_refused():
    made = {}
    define("return v + real(1e39) * k", "memory = None", "v, k", made)
    with pytest.raises(SpikecudaValueError, match=r"_Bad.step, line .*got 1e\+39.*'float64'"):
        GPUNeuronPool(3, made["_Bad"], device="cpu")
    some = "def derive(k):\n        return {'share': k} if k < 2.0 else {}"
    define("return v * share", some, "v, share", made)
    with pytest.raises(SpikecudaValueError, match=r"return the same constants .*got no share"):
        GPUNeuronPool(3, made["_Bad"], params={"k": 2.0}, device="cpu")


def test_incomplete_models_are_refused():
    with pytest.raises(ModelError, match="at least one State"):

        class _NoState(Model):
            def step():
                return real(1)

    with pytest.raises(ModelError, match="needs a step function"):

        class _NoStep(Model):
            v = State("mV")

    with pytest.raises(ModelError, match="needs a threshold function"):

        class _NoThreshold(Model):
            v = State("mV")

            def step(v):
                return v


def test_a_model_without_source_is_refused():
    space = {"Model": Model, "State": State}
    text = (
        "class _Lost(Model):\n    v = State('mV')\n    def step(v): return v\n"
        "    def threshold(v): return v > v\n    def reset(v): return v\n"
    )
    with pytest.raises(ModelError, match="needs readable source"):
        exec(text, space)


def test_built_in_names_are_protected():
    with pytest.raises(SpikecudaValueError, match="belongs to a built-in model"):

        class Other(Model):
            name = "lif"
            v = State("mV")

            def step(v):
                return v

            def threshold(v):
                return v > v

            def reset(v):
                return v

    with pytest.raises(SpikecudaTypeError, match="neuron_type must be"):
        as_model(Model)


def test_the_language_works_in_plain_python():
    assert fma(0.1, 10.0, -1.0) == 0.1 * 10.0 - 1.0 + 5.551115123125783e-17
    assert np.isnan(fma(np.inf, 0.0, 1.0))
    assert select(True, 1.0, 2.0) == 1.0 and real(3) == 3.0
    assert np.isnan(log(-1.0)) and np.isnan(sqrt(-1.0)) and exp(1e9) < np.inf
    assert inspect.isfunction(Quadratic.step)
