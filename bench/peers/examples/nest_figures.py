"""Figures of NEST's own examples, which docs/examples-of-others-nest.md has beside those of here.

Run with NEST 3.10: ``python nest_figures.py [names] > figures.txt``. Each function is one of the
examples of ``pynest/examples``, shortened to what is compared.
"""

import json
import sys

import nest
import numpy as np

nest.verbosity = nest.VerbosityLevel.ERROR


def fresh(seed=1, dt=0.1):
    nest.ResetKernel()
    nest.resolution = dt
    nest.rng_seed = seed


def count(spec, periodic=False, certain=True):
    """Return synapses of a grid of 30 x 30, and of neurons 465 and 0, with p as given and 1."""
    found = []
    for p in [spec["p"], 1.0] if certain else [spec["p"]]:
        fresh()
        pos = nest.spatial.grid(shape=[30, 30], extent=[3.0, 3.0], edge_wrap=periodic)
        a = nest.Create("iaf_psc_alpha", positions=pos)
        b = nest.Create("iaf_psc_alpha", positions=pos)
        nest.Connect(a, b, {**spec, "p": p})
        two = [len(nest.GetConnections(a[k])) for k in (465, 0)]
        found.append([nest.num_connections, *two])
    return found


def masks():
    disc, wide = {"circular": {"radius": 0.5}}, {"circular": {"radius": 1.0}}
    box = {"rectangular": {"lower_left": [-0.2, -0.5], "upper_right": [0.2, 0.5]}}
    wide_box = {"rectangular": {"lower_left": [-0.21, -0.51], "upper_right": [0.21, 0.51]}}
    rule = {"rule": "pairwise_bernoulli", "p": 0.5}
    near = nest.spatial_distributions.gaussian(nest.spatial.distance, std=0.5)
    return {
        "connex": count({**rule, "mask": disc}),
        "connex_ew": count({**rule, "mask": disc}, True),
        "conncomp": count({**rule, "p": 0.2, "mask": wide}),
        "conncon": count({**rule, "use_on_source": True, "mask": box}, True),
        "wider": [
            count({**rule, "mask": {"circular": {"radius": 0.51}}})[1],
            count({**rule, "mask": {"circular": {"radius": 0.51}}}, True)[1],
            count({**rule, "mask": {"circular": {"radius": 1.01}}})[1],
            count({**rule, "mask": wide_box}, True)[1],
        ],
        "gaussex": count({**rule, "p": near, "mask": {"circular": {"radius": 3.0}}}, certain=False),
    }


def grids():
    found = {}
    for name, center in (("grid_iaf", (0.0, 0.0)), ("oc", (-2.0, 2.0)), ("oc2", (0.5, 1.0))):
        fresh()
        pos = nest.spatial.grid(shape=[4, 3], extent=[2.0, 1.5], center=center)
        layer = nest.Create("iaf_psc_alpha", positions=pos)
        found[name] = sorted(map(list, nest.GetPosition(layer)))
    fresh()
    pos = nest.spatial.grid(shape=[11, 11], extent=[11.0, 11.0])
    s = nest.Create("iaf_psc_alpha", positions=pos)
    box = {"rectangular": {"lower_left": [-1.0, -1.0], "upper_right": [1.0, 1.0]}}
    box["anchor"] = [3.0, 3.0]
    nest.Connect(s, s, {"rule": "pairwise_bernoulli", "p": 1.0, "mask": box})
    middle = nest.FindCenterElement(s)
    found["targets"] = sorted(map(list, nest.GetTargetPositions(middle, s)[0]))
    found["sources"] = sorted(map(list, nest.GetSourcePositions(s, middle)[0]))
    return found


def cube():
    found = {}
    distance = nest.spatial.distance
    for name, p, half in (
        ("test_3d", 1.0, 0.2),
        ("test_3d_exp", nest.spatial_distributions.exponential(distance, beta=0.25), 0.75),
        ("test_3d_gauss", nest.spatial_distributions.gaussian(distance, std=0.25), 0.75),
    ):
        found[name] = []
        for seed in range(1, 11):
            fresh(seed)
            pos = nest.spatial.free(nest.random.uniform(-0.5, 0.5), extent=[1.5, 1.5, 1.5])
            layer = nest.Create("iaf_psc_alpha", 1000, positions=pos)
            mask = {"box": {"lower_left": [-half] * 3, "upper_right": [half] * 3}}
            rule = {"rule": "pairwise_bernoulli", "p": p, "allow_autapses": False, "mask": mask}
            nest.Connect(layer, layer, rule)
            found[name].append(nest.num_connections)
    return found


def tsodyks2():
    found, more = {}, {"synapse_model": "tsodyks2_synapse", "x": 1.0, "weight": 250.0}
    for name, syn in (
        ("depression", {"U": 0.67, "u": 0.67, "tau_rec": 450.0, "tau_fac": 0.0}),
        ("facilitation", {"U": 0.1, "u": 0.1, "tau_rec": 100.0, "tau_fac": 1000.0}),
    ):
        fresh()
        pre, post = nest.Create("iaf_psc_exp", 2, params={"tau_syn_ex": 3.0})
        nest.Connect(pre, post, syn_spec={**syn, **more})
        meter = nest.Create("voltmeter")
        nest.Connect(meter, post)
        for current in (376.0, 0.0, 376.0):
            pre.I_e = current
            nest.Simulate(500.0)
        found[name] = [round(meter.events["V_m"][k - 1], 9) for k in range(100, 1500, 100)]
    return found


def tum2000():
    found = {}
    for name, tau_m, r, U, tau_psc, tau_rec, tau_fac, weight in (
        ("depression", 40.0, 0.1, 0.5, 3.0, 800.0, 0.0, 250.0),
        ("facilitation", 60.0, 1.0, 0.03, 1.5, 130.0, 530.0, 1540.0),
    ):
        fresh()
        dc = 15.0 / r / (1 - np.exp(-(50.0 - 2.0) / tau_m))
        on = {"amplitude": dc, "start": 50.0, "stop": 1050.0}
        gen = nest.Create("dc_generator", 1, params=on)
        own = {"C_m": tau_m / r, "tau_m": tau_m, "tau_syn_ex": tau_psc, "tau_syn_in": tau_psc}
        own |= {"t_ref": 2.0}
        own |= {"V_th": 15.0, "V_reset": 0.0, "E_L": 0.0, "V_m": 0.0, "x": 1.0, "u": 0.0}
        own |= {"U": U, "tau_psc": tau_psc, "tau_rec": tau_rec, "tau_fac": tau_fac}
        cells = nest.Create("iaf_tum_2000", 2, params=own)
        nest.Connect(gen, cells[0])
        syn = {"weight": weight, "delay": 0.1, "receptor_type": 1}
        nest.Connect(cells[0], cells[1], syn_spec=syn)
        meter, spikes = nest.Create("voltmeter"), nest.Create("spike_recorder")
        nest.Connect(meter, cells[1])
        nest.Connect(cells, spikes)
        nest.Simulate(1200.0)
        found[name] = [round(meter.events["V_m"][k - 1], 9) for k in range(100, 1200, 100)]
        # What releases is the offset of such a spike, and recorded times are earlier by it.
        found[name + "_spikes"] = [round(t, 1) for t in spikes.events["times"]]
    return found


def quantal():
    fresh(12345)
    own = {"tau_syn_ex": 3.0}
    pre, mean, drawn = (nest.Create("iaf_psc_exp", n, params=own) for n in (1, 1, 500))
    syn = {"U": 0.02, "u": 0.02, "tau_fac": 500.0, "tau_rec": 200.0}
    one = {"synapse_model": "tsodyks2_synapse", "x": 1.0, "weight": 1.0}
    ten = {"synapse_model": "quantal_stp_synapse", "n": 10, "a": 10, "weight": 0.1}
    nest.Connect(pre, mean, syn_spec={**one, **syn})
    nest.Connect(pre, drawn, syn_spec={**ten, **syn})
    meters = nest.Create("voltmeter", 2)
    nest.Connect(meters[0], mean)
    nest.Connect(meters[1], drawn)
    pre.I_e = 376.0
    nest.Simulate(500.0)
    v = np.array(meters[1].events["V_m"]).reshape(-1, 500) + 70.0
    one = np.array(meters[0].events["V_m"]) + 70.0
    return {
        "mean": round(float(one.mean()), 6),
        "drawn": round(float(v.mean()), 6),
        "rms": round(float(np.sqrt(((v.mean(1) - one) ** 2).mean())), 6),
        "sd": round(float(v[400:].std(axis=1).mean()), 6),
    }


def sinusoidal_poisson():
    found = []
    for seed in range(1, 11):
        fresh(seed, 0.01)
        own = {"rate": [10000.0, 0.0], "amplitude": [5000.0, 10000.0], "frequency": [10.0, 5.0]}
        g = nest.Create("sinusoidal_poisson_generator", 2, params={**own, "phase": [0.0, 90.0]})
        s = nest.Create("spike_recorder", 2)
        nest.Connect(g, s, "one_to_one")
        nest.Simulate(200.0)
        row = []
        for which, f in ((0, 10.0), (1, 5.0)):
            t = s[which].events["times"]
            wave = np.exp(2j * np.pi * f * t / 1000.0).sum()
            row += [len(t), round(wave.real, 1), round(wave.imag, 1)]
        found.append(row)
    return found


def sinusoidal_gamma():
    found = []
    for seed in range(1, 11):
        fresh(seed, 0.1)
        own = {"rate": 100.0, "amplitude": 50.0, "frequency": 10.0, "phase": 0.0, "order": 3.0}
        g = nest.Create("sinusoidal_gamma_generator", params=own)
        p, s = nest.Create("parrot_neuron", 400), nest.Create("spike_recorder")
        nest.Connect(g, p)
        nest.Connect(p, s)
        nest.Simulate(1000.0)
        t, who = s.events["times"], s.events["senders"]
        counts = np.bincount(who - who.min(), minlength=400)
        wave = np.exp(2j * np.pi * 10.0 * (t[t > 500.0] - 1.0) / 1000.0).sum() / 400 / 0.5
        fano = counts.var() / counts.mean()
        found.append([round(v, 3) for v in (counts.mean(), fano, wave.real, wave.imag)])
    return found


def mip():
    found = []
    for seed in range(1, 6):
        fresh(seed)
        g = nest.Create("mip_generator", params={"rate": 100.0, "p_copy": 0.5})
        p = nest.Create("parrot_neuron", 2)
        s = nest.Create("spike_recorder", params={"time_in_steps": True})
        nest.Connect(g, p)
        nest.Connect(p, s)
        nest.Simulate(100000.0)
        t, who = s.events["times"], s.events["senders"]
        one, two = t[who == p[0].global_id], t[who == p[1].global_id]
        found.append([len(one), len(two), len(np.intersect1d(one, two))])
    return found


def rate_neuron_dm():
    found = {}
    for apart in (0.0, 0.004, 0.008):
        fresh(1, 0.001)
        nest.use_wfr = False
        own = {"lambda": 0.1, "sigma": 0.0, "tau": 1.0, "rectify_output": True}
        one, two = nest.Create("lin_rate_ipn", params=own), nest.Create("lin_rate_ipn", params=own)
        for a, b in ((one, two), (two, one)):
            model = "rate_connection_instantaneous"
            nest.Connect(a, b, "all_to_all", {"synapse_model": model, "weight": -0.2})
        nest.Simulate(100.0)
        one.mu, two.mu = 1.0 + apart, 1.0 - apart
        row = []
        for _ in range(4):
            nest.Simulate(25.0)
            row.append([one.rate, two.rate])
        found[str(apart)] = row
    return found


PUZZLE = "010000002870000504502000090050409001000732000900501040020000408406000013100000020"


def sudoku():
    """Return spikes and those of the winning digits in the second from 1 s on, and rules held."""
    row, column, digit = np.indices((9, 9, 9)).reshape(3, -1)
    box = row // 3 * 3 + column // 3
    same = [x[:, None] == x for x in (row, column, digit, box)]
    against = (same[2] & (same[0] | same[1] | same[3])) | (same[0] & same[1])
    np.fill_diagonal(against, False)
    found = []
    for seed in range(1, 6):
        fresh(seed)
        own = {"C_m": 0.25, "I_e": 0.5, "tau_m": 20.0, "tau_syn_ex": 5.0, "tau_syn_in": 5.0}
        own |= {"t_ref": 2.0, "V_reset": -70.0, "E_L": -65.0, "V_th": -50.0}
        own["V_m"] = nest.random.uniform(-65.0, -55.0)
        cells = nest.Create("iaf_psc_exp", 3645, params=own)
        for k in range(729):
            targets = (5 * np.flatnonzero(against[k])[:, None] + np.arange(5)).ravel()
            syn = {"weight": -0.2, "delay": 1.0}
            nest.Connect(cells[5 * k : 5 * k + 5], cells[targets], "all_to_all", syn)
        noise = nest.Create("poisson_generator", params={"rate": 350.0})
        nest.Connect(noise, cells, "all_to_all", {"weight": 1.6, "delay": 1.0})
        for k, given in enumerate(PUZZLE):
            if given != "0":
                first = 5 * (9 * k + int(given) - 1)
                stimulus, repeat = nest.Create("poisson_generator"), nest.Create("parrot_neuron")
                stimulus.rate = 200.0
                nest.Connect(stimulus, repeat)
                syn = {"weight": 1.3, "delay": 1.0}
                nest.Connect(repeat, cells[first : first + 5], "all_to_all", syn)
        recorder = nest.Create("spike_recorder", params={"start": 1000.0})
        nest.Connect(cells, recorder)
        nest.Simulate(2000.0)
        counts = np.bincount((recorder.events["senders"] - 1) // 5, minlength=729)
        answer = counts.reshape(9, 9, 9).argmax(axis=2)
        boxes = answer.reshape(3, 3, 3, 3).swapaxes(1, 2).reshape(9, 9)
        held = sum(np.unique(x).size == 9 for x in (*answer, *answer.T, *boxes))
        found.append([int(counts.sum()), int(counts.reshape(81, 9).max(axis=1).sum()), int(held)])
        print(found[-1], file=sys.stderr, flush=True)
    return found


NAMES = (
    masks,
    grids,
    cube,
    tsodyks2,
    tum2000,
    quantal,
    sinusoidal_poisson,
    sinusoidal_gamma,
    mip,
    rate_neuron_dm,
    sudoku,
)

if __name__ == "__main__":
    chosen = [f for f in NAMES if f.__name__ in sys.argv[1:] or len(sys.argv) == 1]
    for function in chosen:
        print(f"{json.dumps(function.__name__)}: {json.dumps(function())}", flush=True)
