"""Committed budgets: registers and instructions per step of every built-in kernel.

    python -m spikecuda.inspection.budgets            # compare
    python -m spikecuda.inspection.budgets --write    # set the budgets to what is there

A kernel is within its budget if its registers take no more units of eight than the budget's, which
is how a multiprocessor gives them out, and if a step of its main loop has at most
``SLACK`` times as many instructions, the same kernel varying that much from one release of the
compiler to the next.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from pathlib import Path

from spikecuda.common.files import write_text
from spikecuda.inspection import networks
from spikecuda.inspection.catalogue import VARIANTS, built_in, later
from spikecuda.inspection.mix import profile
from spikecuda.inspection.subject import Subject, inspected
from spikecuda.kernels.compile.offline import ARCHITECTURES
from spikecuda.kernels.routines import Spec
from spikecuda.kernels.spec import KernelSpec

PATH = Path(__file__).with_name("budgets.json")
SLACK = 1.05
REGISTER_UNIT = 8

Budget = dict[str, float]


def covered() -> Iterable[tuple[str, KernelSpec, tuple[int, int]]]:
    """Yield variant, kernel and architecture of everything that has a budget.

    The plain kernels on every architecture; with noise and Poisson input LIF on one architecture
    of each optimiser, NVVM 7 (before 10.0) and the newer one, and on the RTX 3060's; the later
    models on two.
    """
    for variant in VARIANTS:
        for kernel in built_in(variant):
            if variant == "bias":
                for cc in ARCHITECTURES:
                    yield variant, kernel, cc
            elif kernel.model.name == "lif":
                for cc in ((8, 6), (9, 0), (10, 0)):
                    yield variant, kernel, cc
    for kernel in later():
        for cc in ((8, 6), (10, 0)):
            yield "bias", kernel, cc


def everything() -> Iterable[tuple[str, Spec, tuple[int, int]]]:
    """Yield what has a budget, the kernels of networks included."""
    yield from covered()
    yield from networks.covered()


def key(variant: str, subject: Subject) -> str:
    """Return the name of a kernel's budget."""
    return f"{subject.name}, {variant}"


def figures(subject: Subject) -> Budget:
    """Return what a budget is about: registers, and instructions of a step in the main loop.

    Of a kernel without steps, all its instructions.
    """
    code = subject.code
    if subject.stepped:
        instructions = round(profile(subject).main.static, 2)
    else:
        instructions = sum(len(code.block(b)) for b in code.graph.reachable)
    return {"registers": subject.facts.registers, "instructions": instructions}


def load() -> dict[str, dict[str, Budget]]:
    """Return the committed budgets by kernel and compute capability ("8.6")."""
    result: dict[str, dict[str, Budget]] = json.loads(PATH.read_text(encoding="utf-8"))
    return result


def exceeded(variant: str, subject: Subject, budgets: dict[str, dict[str, Budget]]) -> list[str]:
    """Return in words what a kernel has over its budget; a kernel without one is over it too."""
    name, cc = key(variant, subject), "{}.{}".format(*subject.cc)
    budget = budgets.get(name, {}).get(cc)
    if budget is None:
        return [f"{name} for {cc} has no budget; run this module with --write"]
    found, now = [], figures(subject)
    if -(-now["registers"] // REGISTER_UNIT) > -(-budget["registers"] // REGISTER_UNIT):
        found.append(
            f"{name} for {cc}: {now['registers']} registers, {budget['registers']} budgeted"
        )
    if now["instructions"] > SLACK * budget["instructions"]:
        found.append(
            f"{name} for {cc}: {now['instructions']} instructions per step, "
            f"{budget['instructions']} budgeted"
        )
    return found


def main(argv: Sequence[str] | None = None) -> int:
    """Compare all kernels with their budgets, or write the budgets; return the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--write", action="store_true", help=f"write {PATH.name}")
    write = parser.parse_args(argv).write
    budgets: dict[str, dict[str, Budget]] = {} if write else load()
    failures = []
    for variant, spec, cc in everything():
        subject = inspected(spec, cc)
        if write:
            budgets.setdefault(key(variant, subject), {})["{}.{}".format(*cc)] = figures(subject)
        else:
            failures += exceeded(variant, subject, budgets)
    if write:
        lines = [f"  {json.dumps(name)}: {json.dumps(value)}" for name, value in budgets.items()]
        write_text(PATH, "{\n" + ",\n".join(lines) + "\n}\n")
    print("\n".join(failures) or f"{len(budgets)} kernels within budget: {PATH}")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
