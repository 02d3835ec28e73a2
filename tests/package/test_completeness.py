"""Nothing built in lacks what proves and explains it; a failure says what is missing.

What a thing needs is looked up in the tables that tests, budgets and pages are made of, so that a
new model, receptor, rule or input fails here until it stands in all of them.
"""

import importlib
import json
import sys
from pathlib import Path

import pytest

import spikecuda
import spikecuda.inputs
from spikecuda.inputs.stimulus import Input
from spikecuda.inspection.budgets import PATH as BUDGETS
from spikecuda.inspection.networks import UPDATES
from spikecuda.kernels.receptors import KINDS
from spikecuda.models import find
from spikecuda.models.registry import BUILT_IN, WRITTEN
from spikecuda.network.model.coupled import Coupled
from spikecuda.network.model.receptor import Receptor
from spikecuda.network.model.rules import Rule
from spikecuda.plasticity.registry import find as find_rule
from spikecuda.plasticity.registry import names

TESTS = Path(__file__).resolve().parents[1]
ROOT = TESTS.parent
# Their step is the whole of another's, which is tested and budgeted: fewer of its states.
PARTS = {"glif1": "glif5", "glif2": "glif5", "glif4": "glif5", "glif3": "glif5"}
# A parrot has no dynamics: what arrives is sent on, which its own tests compare spike by spike.
WITHOUT_DYNAMICS = {"parrot"}


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def rows(name: str) -> list[str]:
    """Return the first cells of a page's tables."""
    return [line.split("|")[1] for line in page(name).splitlines() if line.startswith("| ")]


def table(folder: str, module: str):
    """Return a module of tests, to read its tables."""
    path = str(TESTS / folder)
    sys.path.insert(0, path)
    try:
        return importlib.import_module(module)
    finally:
        sys.path.remove(path)


def variants() -> list[tuple[str, str]]:
    return [(model, scheme) for model in BUILT_IN for scheme in find(model).schemes]


def named(cases, model: str, scheme: str) -> bool:
    """Tell whether cases, tuples that begin with model and scheme, have one of a variant."""
    return any(tuple(case[:2]) == (model, scheme) for case in cases)


@pytest.mark.parametrize(("model", "scheme"), variants())
def test_every_scheme_of_every_model(model, scheme):
    missing = []
    if model not in WITHOUT_DYNAMICS:
        oracles = (table("oracle", name).CASES for name in ("test_models", "test_newer_models"))
        if not any(named(cases, model, scheme) for cases in oracles):
            missing.append("an oracle: kernels/reference and CASES in tests/oracle")
        whole = PARTS.get(model, model) if scheme == "exact" else model
        emulated = table("emulated", "test_equivalence")
        if not named([*emulated.CASES, *emulated.NEWER], whole, scheme):
            missing.append("a case in tests/emulated: the compiled PTX has the CPU's bits")
        budgets = json.loads(BUDGETS.read_text(encoding="utf-8"))
        if not any(key.startswith(f"{whole} {scheme} ") for key in budgets):
            missing.append("a budget: inspection/budgets.json")
    if not any(f"`{model}`" in cell for cell in rows("docs/models.md")):
        series = model.rstrip("0123456789")
        if not any(f"`{series}1`" in cell for cell in rows("docs/models.md")):
            missing.append("a row in docs/models.md")
    if f"`{scheme}`" not in page("docs/models.md"):
        missing.append(f"its scheme {scheme} in docs/models.md")
    if model.rstrip("0123456789") not in page("CHANGELOG.md").lower():
        missing.append("a line in CHANGELOG.md")
    assert not missing, f"{model} {scheme} lacks {'; '.join(missing)}"


@pytest.mark.parametrize("model", WRITTEN)
def test_every_written_model(model):
    """Models in the language of users' own: what makes kernels of them is proven there."""
    missing, written = [], table("models", "test_written")
    if model not in {**written.LOOPS, **written.SMOOTH, **written.NEST}:
        missing.append("an oracle: tests/models/test_written.py")
    if not any(f"`{model}`" in cell for cell in rows("docs/models.md")):
        missing.append("a row in docs/models.md")
    for scheme in find(model).schemes:
        if f"`{scheme}`" not in page("docs/models.md"):
            missing.append(f"its scheme {scheme} in docs/models.md")
    if f"`{model}`" not in page("CHANGELOG.md"):
        missing.append("a line in CHANGELOG.md")
    if not find(model).source:
        missing.append("a source")
    assert not missing, f"{model} lacks {'; '.join(missing)}"


def test_orders_of_every_scheme_are_measured():
    lines = [line for line in page("docs/models.md").splitlines() if line.count("|") == 7]
    known = {tuple(cell.strip().strip("`") for cell in line.split("|")[1:3]) for line in lines}
    for model, scheme in variants():
        series = ("glif1` to `glif5", scheme)
        assert (model, scheme) in known or series in known, f"no row of orders for {model} {scheme}"


def every(base: type) -> list[type]:
    """Return the classes under a base that are no bases themselves."""
    found, waiting = [], [base]
    while waiting:
        below = waiting.pop().__subclasses__()
        found += [c for c in below if c.__module__.startswith("spikecuda.")]
        waiting += below
    return [c for c in found if not c.__name__.startswith("_") and not c.__subclasses__()]


@pytest.mark.parametrize("receptor", every(Receptor), ids=lambda c: c.__name__)
def test_every_receptor(receptor):
    missing, kind = [], receptor.kind
    if kind not in KINDS:
        missing.append("a kind in kernels/receptors.py")
    if receptor is Coupled:  # no spikes arrive there: tests/network/test_coupling.py
        assert f"`{receptor.__name__}()`" in page("docs/networks.md") and not missing
        return
    random = table("network", "random_networks")
    if random.MADE.get(kind) is not receptor or not any(
        kind in kinds for _, kinds, _ in random.STRUCTURES.values()
    ):
        missing.append(
            "a place in tests/network/random_networks.py: the oracle of networks, and the bits "
            "over threads, partitions and devices"
        )
    if not any(kind in receptors.values() for _, receptors, _ in UPDATES.values()):
        missing.append("a kernel with a budget: inspection/networks.py")
    if not any(f"`{receptor.__name__}(" in cell for cell in rows("docs/networks.md")):
        missing.append("a row in docs/networks.md")
    assert not missing, f"{receptor.__name__} lacks {'; '.join(missing)}"


@pytest.mark.parametrize("rule", every(Rule), ids=lambda c: c.__name__)
def test_every_rule(rule):
    missing = []
    random = table("network", "random_networks")
    source = Path(random.__file__).read_text(encoding="utf-8")
    if f"{rule.__name__}(" not in source:
        missing.append("a place in tests/network/random_networks.py: the oracle of networks")
    if not any(f"`{rule.__name__}(" in cell for cell in rows("docs/networks.md")):
        missing.append("a row in docs/networks.md")
    if rule.procedural and f"{rule.__name__}(" not in page("tests/network/cuda_networks.py"):
        missing.append("a place in tests/network/cuda_networks.py: stored and drawn alike")
    assert not missing, f"{rule.__name__} lacks {'; '.join(missing)}"


# Other tests define rules, too.
OURS = [name for name in names() if find_rule(name).__module__.startswith("spikecuda.plasticity")]


@pytest.mark.parametrize("name", OURS)
def test_every_synapse_rule(name):
    missing, rule = [], find_rule(name).__name__
    tests = (
        "engine",
        "test_synapse_rules",
        "test_random_synapses",
        "test_quantal_release",
        "test_dopamine",
        "test_clopath",
    )
    pages = [page(f"tests/plasticity/{test}.py") for test in tests]
    if f'"{rule}"' not in pages[0] and not any(f"{rule}(" in text for text in pages[1:]):
        missing.append("numbers: a line of ENGINE in tests/plasticity/engine.py, or an oracle")
    if f" {rule}" not in page("tests/plasticity/test_same_bits.py") + pages[-1] + pages[-2]:
        missing.append("its bits over threads and splits: tests/plasticity/test_same_bits.py")
    if not any(f"`{rule}(" in cell for cell in rows("docs/plasticity.md")):
        missing.append("a row in docs/plasticity.md")
    if f"`{rule}`" not in page("CHANGELOG.md"):
        missing.append("a line in CHANGELOG.md")
    if not find_rule(name).source:
        missing.append("a source")
    assert not missing, f"{rule} lacks {'; '.join(missing)}"


@pytest.mark.parametrize("kind", every(Input), ids=lambda c: c.__name__)
def test_every_input(kind):
    missing = []
    if kind.__name__ == "Sum":  # what + makes of the others
        return
    if not hasattr(spikecuda.inputs, kind.__name__) or not hasattr(spikecuda, kind.__name__):
        missing.append("a public name: spikecuda and spikecuda.inputs")
    tests = [*(TESTS / "oracle").glob("*.py"), *(TESTS / "inputs").glob("*.py")]
    tests.append(TESTS / "pool" / "test_pool.py")
    if not any(f"{kind.__name__}(" in path.read_text(encoding="utf-8") for path in tests):
        missing.append("its own values: tests/oracle, tests/inputs, tests/pool/test_pool.py")
    if f"{kind.__name__}(" not in page("spikecuda/verify/cases.py"):
        missing.append("a case that a GPU is checked with: verify/cases.py")
    if not any(f"`{kind.__name__}(" in cell for cell in rows("docs/inputs.md")):
        missing.append("a row in docs/inputs.md")
    assert not missing, f"{kind.__name__} lacks {'; '.join(missing)}"
