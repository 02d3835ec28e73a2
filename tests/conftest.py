"""Hypothesis profiles, and the targets that the tests of kernels run on.

``HYPOTHESIS_PROFILE=thorough`` takes more and other examples, and all of each product of models,
precisions and architectures (``thorough.py``).  ``SPIKECUDA_TARGETS=cpu,cuda-emu``
(``cuda`` where there is a GPU) runs the same tests on other targets.
"""

import gc
import itertools
import os
from pathlib import Path

import pytest
from file_times import FileTimes
from hypothesis import settings

settings.register_profile("full", deadline=None, derandomize=True, print_blob=True)
settings.register_profile("thorough", deadline=None, max_examples=1000, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "full"))

# Compiled kernels stay, and with them millions of objects that the collector need not look through.
gc.set_threshold(100_000, 50, 100)

# What a pool needs to be told to run on each target.
POOL_OPTIONS = {
    "cpu": {"device": "cpu", "threads": 1},
    "cuda-emu": {"device": "cuda-emu"},
    "cuda": {"device": "cuda:0"},
}
TARGETS = os.environ.get("SPIKECUDA_TARGETS", "cpu").split(",")
# Files that take longest where nothing is cached come first, so that no core waits at the end for
# one of them; neighbours, which run side by side, compile little that the other one needs.
HERE = Path(__file__).parent
LONGEST = (
    "inputs/test_splits.py", "inspection/test_kernels.py", "oracle/test_models.py",
    "plasticity/test_cuda_bits.py", "emulated/test_equivalence.py", "docs/test_examples.py",
    "package/test_distribution.py", "network/test_many_receptors.py", "oracle/test_bits.py",
    "inspection/test_network_kernels.py", "physics/test_networks_that_learn.py",
    "oracle/test_newer_models.py", "plasticity/test_saved_learning.py",
    "physics/test_spike_times.py", "package/test_first_run.py", "plasticity/test_engine_peers.py",
    "network/test_network_bits.py", "package/test_cache.py", "plasticity/test_dopamine.py",
    "report/test_report.py", "network/test_vanishing_receptors.py",
    "plasticity/test_rule_mistakes.py", "facts/test_facts.py", "plasticity/test_engine_oracle.py",
)  # fmt: skip


def pytest_addoption(parser):
    parser.addoption(
        "--file-times", type=int, metavar="N", help="show the N files that take most processor time"
    )


def pytest_configure(config):
    most = config.getoption("file_times")
    if most:
        config.pluginmanager.register(FileTimes(most))


def pytest_collection_modifyitems(items):
    files = list(dict.fromkeys(item.path for item in items))
    longest = [HERE / name for name in LONGEST]
    rest = [path for path in files if path not in longest]
    # Files of one folder use the same kernels: halves in turn, since two that compile them at once
    # gain nothing.
    half = (len(rest) + 1) // 2
    mixed = itertools.chain(*itertools.zip_longest(rest[:half], rest[half:]))
    place = {path: number for number, path in enumerate([*longest, *mixed])}
    items.sort(key=lambda item: place[item.path])


@pytest.fixture(scope="module", autouse=True)
def kernels_are_no_garbage():
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session", params=TARGETS)
def target(request):
    """Keyword arguments of GPUNeuronPool that choose the target."""
    return POOL_OPTIONS[request.param]
