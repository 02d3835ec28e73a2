"""Voltage-based plasticity: the engine before the oracle, for a membrane that is given.

The oracle equals NEST's ``clopath_synapse`` (test_oracle_peers); here the target's v is a given
current and its low passes are the model's own, so that the oracle knows all that the rule sees.
"""

import contextlib

import numpy as np
import pytest
from cuda_lines import DEVICES, short_histories
from followed import DT, SMALL, Followed, cases, learn, signals
from hypothesis import given, settings
from hypothesis import strategies as st

from spikecuda import Network, Waveform
from spikecuda.errors import ModelError, SpikecudaValueError
from spikecuda.kernels.reference.plasticity import run_synapse
from spikecuda.kernels.reference.plasticity_rules import make
from spikecuda.network import Delta, SpikeTrain
from spikecuda.plasticity import STDP, ClopathSTDP, SynapseRule, TargetState

V = np.where(np.arange(400) % 130 < 15, 10.0, -60.0 + 0.02 * np.arange(400))


@settings(max_examples=40)
@given(cases())
def test_the_engine_is_the_oracle(case):
    got = learn(case, pieces=case["pieces"], sweep=case["sweep"], devices="cpu")
    rule = make(
        "clopath", w_max=SMALL, a_ltp=8e-5 * SMALL, a_ltd=14e-5 * SMALL, theta_plus=-45.3,
        theta_minus=-70.6, tau_x=15.0, dt=DT,
    )  # fmt: skip
    outcome = run_synapse(
        rule, case["pre"].tolist(), [], 0.5 * SMALL, delay=case["delay"], dt=DT,
        as_of=case["v"].size - 1, signals=signals(case["v"], case["later"]), start=-1,
    )  # fmt: skip
    assert got == pytest.approx(np.full(40, outcome.weight), rel=1e-9)


@settings(max_examples=15, deadline=None)
@given(cases(), st.sampled_from(DEVICES), st.booleans())
def test_devices_have_the_cpus_bits(case, devices, short):
    plain = learn(case, threads=1, devices="cpu")
    with short_histories() if short else contextlib.nullcontext():
        other = learn(case, pieces=case["pieces"], devices=devices)
    assert np.array_equal(plain, other)


def test_what_is_seen_later_counts_for_each_projection():
    """Two rules that differ in nothing but when they see the membrane."""
    found = []
    for devices in ("cpu", "cuda-emu"):
        with Network(dt=DT, seed=1, devices=devices, precision="float64") as net:
            net.population("post", 40, Followed, receptors={"in": Delta()})
            net.drive("post", Waveform(V, DT, interpolation="hold"))
            net.source("pre", 1, SpikeTrain([5.0, 11.0, 30.0]))
            both = [
                net.connect(
                    "pre", "post", "all_to_all", 0.5 * SMALL, 1.0,
                    plasticity=ClopathSTDP(
                        w_max=SMALL, a_ltp=8e-5 * SMALL, a_ltd=14e-5 * SMALL, delay_u=later
                    ),
                )
                for later in (0.0, 5.0)
            ]  # fmt: skip
            net.run(40.0)
            found.append([p.weights for p in both])
    assert not np.array_equal(found[0][0], found[0][1])
    assert np.array_equal(found[0], found[1])


@settings(max_examples=10)
@given(cases())
def test_threads_splits_and_sweeps_change_no_bit(case):
    plain = learn(case, threads=1, devices="cpu")
    other = learn(
        case, "float64", case["pieces"], case["sweep"], threads=2, partitions=2, devices="cpu"
    )
    assert np.array_equal(plain, other)


def test_what_cannot_be_is_refused():
    net = Network(dt=DT)
    net.population("lif", 2, "lif", receptors={"in": Delta()})
    with pytest.raises(SpikecudaValueError, match="sees the state 'u_plus' of its targets"):
        net.connect("lif", "lif", "all_to_all", 0.1, 1.0, plasticity=ClopathSTDP(w_max=1.0))
    with pytest.raises(SpikecudaValueError, match="timing must be 'nest'"):
        ClopathSTDP(w_max=1.0, timing="brian")
    half = Network(dt=DT, precision="float16")
    half.population("f", 2, Followed, receptors={"in": Delta()})
    with pytest.raises(SpikecudaValueError, match="precision='float32'"):
        half.connect("f", "f", "all_to_all", 0.1, 1.0, plasticity=ClopathSTDP(w_max=1.0))
    with pytest.raises(ModelError, match="must name a parameter as its delay"):

        class Late(SynapseRule):
            name = "_late"
            u = TargetState("v", later="nothing")

            def on_pre(w, u):
                return w + u

    assert STDP(w_max=1.0).target_states == {}
