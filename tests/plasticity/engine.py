"""What a network makes of records of other simulators, and a rule of the engine as plain functions.

``learn`` puts many records with one rule into one network: a train and a neuron that spikes when it
is told to for each, and a synapse between them.
"""

import inspect
from dataclasses import dataclass

import numpy as np

from spikecuda import Network, plasticity
from spikecuda.kernels.reference.plasticity import Rule, Trace, Variable
from spikecuda.network import Delta, ExpCurrent, Pairs, SpikeTrain
from spikecuda.network.model.trace import variables

# A neuron that spikes in the very step in which a jump of 2 mV arrives, and for no current.
RELAY = {
    "tau_m": 10.0, "c_m": 1e9, "v_rest": 0.0, "v_reset": 0.0, "v_th": 1.0, "t_ref": 0.0,
}  # fmt: skip
TAU = 1.0
ALL = ("tau_plus", "tau_minus", "lam", "alpha")


def _additive(p):
    return {
        "tau_plus": p["tau_plus"], "tau_minus": p["tau_minus"], "lam": p["a_plus"] / p["w_max"],
        "alpha": p["a_minus"] / p["a_plus"],
    }  # fmt: skip


def _same(p):
    return {k: v for k, v in p.items() if k not in ("w_max", "w_min")}


def _only(*names):
    return lambda p: {k: p[k] for k in names}


def _released(*names):
    return lambda p: {"U": p["u_0"]} | {k: p[k] for k in names}


# Our class for a rule of the oracle, and its parameters from the oracle's.  A rule that the engine
# learns gets its line here, and then all its records are tests.
ENGINE = {
    "stdp": ("GutigSTDP", _only(*ALL, "mu_plus", "mu_minus")),
    "amplitudes": ("STDP", _additive),
    "power_law": ("PowerLawSTDP", _only(*ALL, "mu")),
    "triplet": ("TripletSTDP", _same),
    "vogels": ("VogelsSTDP", _only("eta", "alpha", "tau")),
    "tsodyks_markram": ("TsodyksMarkram", _released("tau_rec", "tau_fac")),
    "tsodyks_2000": ("Tsodyks2000", _released("tau_psc", "tau_rec", "tau_fac")),
}


def engine_rule(record):
    """Return the engine's rule for a record, e.g. ``GutigSTDP(w_max=100.0, ...)``."""
    p = record.params
    name, translate = ENGINE[record.rule]
    kind, more = getattr(plasticity, name), {}
    if not kind.learns:
        rule = kind(**translate(p))
        # The records begin where our rules do.
        starts = {"u_start": rule.start("u"), "x_start": 1.0, "y_start": 0.0}
        assert starts | p == p | {k: v for k, v in starts.items() if k not in p}
        return rule
    if p.get("nearest"):
        name, more = "NearestSTDP", {"scheme": p["nearest"]}
    # Rules without an upper bound have a limit here, which nothing meets.
    w_max = p["w_max"] if np.isfinite(p["w_max"]) else 10 * record.weight
    return getattr(plasticity, name)(
        w_max=w_max, w_min=p["w_min"], timing=record.timing, **translate(p), **more
    )


def groups(records):
    """Return lists of records that one projection can hold: one rule, one dendritic part if any."""
    found = {}
    for r in records:
        part = None if r.dendritic == r.delay else r.dendritic
        found.setdefault((r.rule, repr(r.params), r.timing, part), []).append(r)
    return list(found.values())


@dataclass
class Learned:
    """What a record's synapse did in a network.

    Attributes:
        after: weights as read after each step with a spike of the source.
        sent: what arrived for each of those spikes, which is rounded to ``unit``.
        unit: of the receptor's fixed-point numbers.
        final: the weight ("weight") and variables at the end.
    """

    after: list
    sent: list
    unit: float
    final: dict


def learn(records, rule, dt, precision="float64", **options):
    """Run records of one group, all of whose times are > 0, through ``Network.connect``.

    Args:
        records: of ``groups``.
        rule: of the engine.
        dt: ms.
        precision, options: of ``Network``.

    Returns:
        A ``Learned`` for each record.
    """
    n = len(records)
    delay = np.array([r.delay for r in records])
    part = None if records[0].dendritic == records[0].delay else records[0].dendritic * dt
    with Network(dt=dt, precision=precision, devices="cpu", **options) as net:
        net.population("post", n, "lif", RELAY, {"v": 0.0},
                       receptors={"in": Delta(), "syn": ExpCurrent(tau=TAU)})  # fmt: skip
        net.source("pre", n, _trains([r.pre for r in records], dt))
        net.drive("post", _trains([r.post for r in records], dt, weight=2.0), "in")
        weight = np.array([r.weight for r in records])
        pairs = [np.arange(n)] if rule.modulator is None else [np.array([j]) for j in range(n)]
        more = [{}] if rule.modulator is None else _third(net, records, dt)
        projections = [
            net.connect("pre", "post", Pairs(k, k), weight[k], delay[k] * dt, "syn",
                        plasticity=rule, dendritic=part, **options)
            for k, options in zip(pairs, more, strict=True)
        ]  # fmt: skip
        name = next(k for k in variables(net["post"]) if k.endswith("_syn"))
        net.record("post", ["spikes", name], every=dt)
        exponent = net.build().wiring.exponent[net["post"].number, projections[0].port]
        end = max(max(*r.pre, *r.post) for r in records) + int(delay.max()) + 1
        if records[0].final:
            end = max(end, records[0].final["step"])
        clock, after, currents, fired = 0, [[] for _ in records], [], []
        stops = {t for r in records for t in r.pre} if len(projections) == 1 else set()
        for t in sorted(stops | {end}):
            # A spike at t * dt belongs to step t - 1; so after t steps it is the last one.
            result = net.run((t - clock) * dt)
            clock = t
            currents.append(result.traces["post"][name])
            fired.append((result.spikes["post"].step, result.spikes["post"].neuron))
            weights = projections[0].weights
            for j, r in enumerate(records):
                if t in stops and t in r.pre:
                    after[j].append(weights[j])
        final = {
            k: np.concatenate([p.values(k) for p in projections])
            for k in ("weight", *rule.variables)
        }
    steps, neurons = (np.concatenate(a) for a in zip(*fired, strict=True))
    x = np.concatenate(currents).astype(np.float64)
    jumps = x - np.concatenate([np.zeros((1, n)), x[:-1]]) * np.exp(-dt / TAU)
    found = []
    for j, r in enumerate(records):
        assert (steps[neurons == j] + 1).tolist() == list(r.post), r.name
        sent = [jumps[t - 1 + r.delay, j] for t in r.pre]
        found.append(Learned(after[j], sent, 2.0 ** -float(exponent),
                             {k: v[j] for k, v in final.items()}))  # fmt: skip
    return found


def _third(net, records, dt):
    """Return what connects each record's synapse with its modulator."""
    # A spike that arrives in step t was sent in the step before, and so is one at (t - 1) dt.
    net.source("third", len(records), _trains([[t - 1 for t in r.third] for r in records], dt))
    return [{"modulator": net["third"][[j]]} for j in range(len(records))]


def _trains(spikes, dt, **more):
    times = np.concatenate([np.asarray(s, float) for s in spikes]) * dt
    return SpikeTrain(times, np.repeat(np.arange(len(spikes)), [len(s) for s in spikes]), **more)


def plain(rule, dt):
    """Return a rule of the engine, built in or a user's own, as a ``Rule`` of the oracle."""
    kind = type(rule)
    values = {**rule.params, "dt": dt}
    derive = getattr(kind, "derive", None)
    if derive is not None:
        known = {**values, "w_max": abs(rule.w_max), "w_min": rule.w_min}
        values |= derive(**{k: known[k] for k in inspect.signature(derive).parameters})
    traces = {
        side: {k: Trace(rule.params[t.tau], t.to_one) for k, t in declared.items()}
        for side, declared in (("pre", kind.pre_traces), ("post", kind.post_traces))
    }
    return Rule(
        *(getattr(kind, f, None) for f in ("on_pre", "on_post")),
        release=getattr(kind, "release", None),
        values=values,
        **traces,
        variables={
            k: Variable(v.initial, rule.params[v.decay] if v.decay else None)
            for k, v in kind.variables.items()
        },
        source_variables={k: rule.start(k) for k in kind.source_variables},
        w_max=rule.w_max,
        w_min=rule.w_min,
    )
