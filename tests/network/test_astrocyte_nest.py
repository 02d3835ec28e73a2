"""An astrocyte beside NEST 3.10.0: spikes raise its IP3, and its calcium drives a neuron.

Reference: ``astrocyte_lr_1994`` with ``delta_IP3`` 0.02, spikes every 100 ms up to 9.9 s through a
delay of 1 ms, and a ``sic_connection`` of weight 2 and delay 0.1 ms; resolution 0.1 ms, at 2, 4, up
to 20 s, ten digits.
"""

import numpy as np
import pytest
from gap_neurons import GATES, PORTS, GapNeuron

from spikecuda import Model, Network, State
from spikecuda.language import log, real
from spikecuda.network import Delta, SpikeTrain

CALCIUM = """0.4462930203 0.8292931533 0.597071725 0.4327536665 0.4429386782
0.4718722391 0.3792600627 0.2206874921 0.1035706702 0.1007339573"""
IP3 = """0.4913692909 0.7569216811 0.9576151158 1.109290854 1.223921058
0.9640672178 0.7676805094 0.6192596158 0.5070892869 0.4223156249"""
CURRENT = """11.03932822 12.89971036 11.98489688 10.92823795 11.01265076
11.23488099 10.41434161 6.356627896 0.0 0.0"""


class Astrocyte(Model):
    """Li & Rinzel (1994) J Theor Biol 166:461."""

    spiking = False
    arrivals = {"syn": "ip3"}
    schemes = ("rk4",)
    ca, ip3, h = State("uM", 0.073), State("uM", 0.16), State("", 0.793)

    def dca(ca, ip3, h):
        gate = ip3 / (ip3 + real(0.13)) * (ca / (ca + real(0.08234))) * h
        store = (real(2.0) - ca) / real(0.185) - ca
        pump = real(0.0009) * ca * ca / (real(0.01) + ca * ca)
        return real(0.185) * (real(0.006) * gate * gate * gate + real(0.00011)) * store - pump

    def dip3(ip3):
        return (real(0.16) - ip3) / real(7142.0)

    def dh(ca, ip3, h):
        rise = real(1.049) * (ip3 + real(0.13)) / (ip3 + real(0.9434))
        return real(0.0002) * (rise * (real(1.0) - h) - ca * h)


def slow_inward(ca):
    return log(max((ca - real(0.19669)) * real(1000.0), real(1.0)))


def test_calcium_and_the_slow_inward_current():
    with Network(dt=0.1, precision="float64") as net:
        net.population("astro", 1, Astrocyte, receptors={"syn": Delta()})
        # It only receives; in steps of 0.1 ms it could not spike.
        net.population("cell", 1, GapNeuron, {}, {"v": -90.0, **GATES}, receptors=PORTS)
        net.drive("cell", -200.0)
        net.source("in", 1, SpikeTrain(np.arange(100.0, 10_000.0, 100.0)))
        net.connect("in", "astro", "one_to_one", 0.02, 1.0)
        net.couple("astro", "cell", "one_to_one", 2.0, slow_inward)
        net.record("astro", ["ca", "ip3"], every=2000.0)
        net.record("cell", ["i_gap"], every=2000.0)
        traces = net.run(20_000.0).traces
    for found, expected in (
        (traces["astro"]["ca"], CALCIUM), (traces["astro"]["ip3"], IP3),
        (traces["cell"]["i_gap"], CURRENT),
    ):  # fmt: skip
        nest = [float(number) for number in expected.split()]
        assert found[:, 0] == pytest.approx(nest, rel=1e-7, abs=1e-12)
