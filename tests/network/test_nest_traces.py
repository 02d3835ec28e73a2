"""Single neurons beside NEST: membrane potential and spike times, one synapse of each kind.

Reference: NEST 3.10.0, models of the parameters' names, dt 0.1 ms, spikes at 5 to 75 ms through
delays of 1 ms, a constant current; V_m at 4, 8, ..., 100 ms, nine decimals.
"""

import numpy as np
import pytest

from spikecuda import Network
from spikecuda.network import (
    AlphaConductance,
    AlphaCurrent,
    Delta,
    ExpConductance,
    ExpCurrent,
    SpikeTrain,
)

EXCITING = [5.0, 12.3, 12.4, 30.0, 31.0, 32.5, 60.0, 60.1, 60.2, 75.0]
INHIBITING = [20.0, 45.5, 61.0]
LIF = {"c_m": 250.0, "tau_m": 10.0, "t_ref": 2.0, "v_rest": -65.0, "v_th": -50.0, "v_reset": -65.0}
# The threshold is out of reach: the errors of a step then show alone.
COND = {"c_m": 200.0, "g_l": 10.0, "e_l": -60.0, "v_th": 50.0, "v_reset": -60.0, "t_ref": 5.0}

CURRENTS = {
    "iaf_psc_exp": (
        ExpCurrent(2.0), ExpCurrent(5.0), 600.0, -300.0, [34.5],
        "-62.362560368 -57.889523841 -56.415406289 -50.43236902 -50.869017429 -54.960422274 "
        "-57.056560067 -55.897736863 -65.0 -61.499775817 -59.856692153 -60.350603515 "
        "-61.218515124 -60.715332921 -59.88944688 -51.653672407 -53.013703277 -54.856885198 "
        "-55.897181622 -53.213817148 -54.102617194 -55.032965915 -55.68877956 -56.126855287 "
        "-56.417655093",
    ),
    "iaf_psc_alpha": (
        AlphaCurrent(2.0), AlphaCurrent(5.0), 500.0, -200.0, [14.6, 34.7, 63.8],
        "-62.362560368 -57.93500091 -52.961524104 -65.0 -56.000192264 -55.339580563 "
        "-58.015774499 -58.757550743 -65.0 -56.658500934 -55.03796547 -55.876853576 "
        "-58.69358824 -60.543559252 -61.039659603 -65.0 -60.134398578 -58.781506766 "
        "-59.319238398 -54.051324198 -52.869673999 -53.899503055 -54.957892767 -55.690789766 "
        "-56.159748346",
    ),
    "iaf_psc_delta": (
        Delta(), Delta(), 4.0, -3.0, [13.4, 33.5, 61.2],
        "-62.362560368 -57.319708701 -57.214307151 -64.534116269 -62.050269164 -62.607751321 "
        "-60.758988123 -51.90037542 -64.609835396 -62.101025213 -60.419319456 -61.874162304 "
        "-60.2672487 -59.190102299 -58.468069474 -64.384930771 -61.950267134 -60.318263293 "
        "-55.224298404 -55.809711624 -56.202125841 -56.465168957 -56.641492031 -56.759684922 "
        "-56.838911986",
    ),
}  # fmt: skip
CONDUCTANCES = {
    "iaf_cond_exp": (
        ExpConductance(5.0, 0.0), ExpConductance(10.0, -80.0), 4.0, 10.0,
        "-59.093653765 -56.550689307 -54.439752228 -49.789876854 -47.597385362 -51.188944767 "
        "-54.184771009 -54.881132409 -49.569384979 -48.123088493 -48.529419038 -51.440626699 "
        "-55.379655666 -57.322182798 -58.198806578 -53.975728559 -53.648082858 -54.479400065 "
        "-55.337378719 -53.360587116 -53.110091531 -53.383704709 -53.758896926 -54.095807244 "
        "-54.360163039",
    ),
    "iaf_cond_alpha": (
        AlphaConductance(5.0, 0.0), AlphaConductance(10.0, -80.0), 3.0, 10.0,
        "-59.093653765 -57.647687109 -54.309956916 -49.969573785 -44.43616174 -43.389444254 "
        "-47.421100862 -51.956419532 -50.997553906 -48.129520966 -47.403992034 -48.607086686 "
        "-53.139815332 -57.729337006 -60.997618944 -59.550438135 -55.988933716 -55.763423278 "
        "-57.214385616 -57.088712576 -56.523610899 -56.633942283 -57.108494266 -57.619441402 "
        "-57.998518638",
    ),
    # NEST's default for excitation, 0.2 ms: two steps; up to 96 ms.
    "iaf_cond_exp, tau 0.2": (
        ExpConductance(0.2, 0.0), ExpConductance(2.0, -80.0), 4.0, 10.0,
        "-59.093653765 -58.137555968 -57.568804838 -56.698655874 -56.390741122 "
        "-57.759089765 -57.635420085 -56.991154392 -56.246640179 -56.021663056 "
        "-55.836603642 -56.882311168 -57.35860437 -57.041448289 -56.686564399 "
        "-57.19065531 -57.425359433 -57.071537998 -56.707836285 -56.212731698 "
        "-55.993124508 -55.81313212 -55.665740435 -55.545062735",
    ),
    "iaf_cond_alpha, tau 0.2": (
        AlphaConductance(0.2, 0.0), AlphaConductance(2.0, -80.0), 3.0, 10.0,
        "-59.093653765 -57.912214614 -57.384124571 -56.125185397 -55.92120438 "
        "-58.331187993 -59.845763072 -59.049603005 -57.586859868 -57.139103026 "
        "-56.754980781 -57.490443582 -60.047583064 -60.039553843 -59.323353403 "
        "-58.825640956 -60.749276074 -60.44406185 -59.615258487 -58.405384575 "
        "-57.793499796 -57.288029535 -56.873426589 -56.533855053",
    ),
}  # fmt: skip


def run(model, params, current, exciting, inhibiting, strong, weak, dt):
    """Return the membrane potential at 4, 8, ... ms and the spike times."""
    with Network(dt=dt, precision="float64") as net:
        net.population("n", 1, model, params, receptors={"e": exciting, "i": inhibiting})
        net.drive("n", current)
        for name, times, weight in (("e", EXCITING, strong), ("i", INHIBITING, weak)):
            net.source(f"from_{name}", 1, SpikeTrain(times))
            net.connect(f"from_{name}", "n", "one_to_one", weight, 1.0, name)
        net.record("n")
        net.record("n", "v", every=4.0)
        result = net.run(100.0)
        return result.traces["n"]["v"][:, 0], result.spikes["n"].time


@pytest.mark.parametrize("name", CURRENTS)
def test_currents_and_jumps_are_nests(name):
    exciting, inhibiting, strong, weak, spikes, text = CURRENTS[name]
    v, times = run("lif", LIF, 200.0, exciting, inhibiting, strong, weak, 0.1)
    np.testing.assert_allclose(times, spikes, rtol=1e-12)
    # Both are exact. Half a unit of the reference's last decimal, and weights are kept to 2^-31.
    np.testing.assert_allclose(v, np.array(text.split(), float), rtol=0, atol=0.5e-9 + 0.5e-9)


@pytest.mark.parametrize("name", CONDUCTANCES)
def test_conductances_come_to_nests_solution_with_the_square_of_the_step(name):
    exciting, inhibiting, strong, weak, text = CONDUCTANCES[name]
    exact = np.array(text.split(), float)
    errors = []
    for dt in (0.1, 0.05):
        v, times = run("lif_cond", COND, 50.0, exciting, inhibiting, strong, weak, dt)
        assert times.size == 0
        errors.append(np.abs(v[: exact.size] - exact).max())
    # NEST's solver works to 10^-6 mV a step or better: its part of the smaller error is small.
    assert errors[0] < 1.3e-4
    assert 3.8 < errors[0] / errors[1] < (4.2 if len(name) < 15 else 6.0)
