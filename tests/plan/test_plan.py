"""What a plan reckons, against exact numbers, samples, published arithmetic, and built rows."""

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spikecuda import Network, Normal, Poisson, SpikecudaError, Uniform
from spikecuda.kernels.network.link import block_for
from spikecuda.network import Delta, ExpCurrent, FixedProbability, FixedTotal
from spikecuda.plan import Load, Machine, RowGroup, fixed_load, load_of, predict
from spikecuda.plan.describe import delay_parts
from spikecuda.plan.exchange import exchange_seconds, message_of
from spikecuda.plan.layouts import LAYOUTS
from spikecuda.plan.measure import STANDARD, standard_network
from spikecuda.plan.slowest import expected_maximum, scale_of
from spikecuda.plasticity import STDP

ZEN5 = Machine.load("zen5")
CLUSTER = replace(
    ZEN5, name="cluster", cores=64, memory=512e9, shared_cache=256e6, bandwidth=400e9,
    network_latency=2e-6, network_bandwidth=12.5e9,
)  # fmt: skip
SCALE = fixed_load(100_000, 10_000, 5.0, 0.1, kernel=STANDARD, delays=[1.0] * 16)


def network(seed=1, n=600, **options):
    net = Network(0.1, seed, devices="cpu", **options)
    for name, size in (("E", n), ("I", n // 4)):
        net.population(name, size, "lif", receptors={"syn": ExpCurrent(tau=5.0)})
        net.drive(name, Poisson(rate=8000.0, weight=40.0))
    for source, weight in (("E", 40.0), ("I", -200.0)):
        for target in ("E", "I"):
            rule = FixedProbability(0.2)
            net.connect(source, target, rule, weight, Normal(1.5, 0.75, low=0.1, redraw=True))
    return net


# The slowest of many.


@pytest.mark.parametrize(
    ("count", "exact"),
    [(1, 0.0), (2, 1 / math.sqrt(math.pi)), (3, 1.5 / math.sqrt(math.pi)), (10, 1.538753),
     (100, 2.507594), (1000, 3.241436)],
)  # fmt: skip
def test_the_largest_of_normal_numbers(count, exact):
    # Of three: 3 / (2 sqrt(pi)); the last ones from Harter (1961) Biometrika 48:151, table 1.
    assert expected_maximum(count) == pytest.approx(exact, abs=2e-6)


def test_the_scale_is_exact_for_two_of_any_distribution():
    times = np.random.default_rng(1).exponential(1.0, 2000)
    pairs = np.maximum(times[:, None], times)[~np.eye(2000, dtype=bool)].mean()
    assert times.mean() + expected_maximum(2) * scale_of(times) == pytest.approx(pairs, rel=1e-9)
    normal = np.random.default_rng(1).normal(5.0, 2.0, 20_000)
    assert scale_of(normal) == pytest.approx(2.0, rel=0.02)


# Rows.


@pytest.mark.parametrize("partitions", [1, 3])
def test_bytes_are_those_of_built_rows(partitions):
    net = network(partitions=partitions, threads=1)
    engine = net.build()
    built = [b.blocks for b in engine.wiring.bundles]
    load = load_of(net, 5.0)
    assert load.window == engine.window
    # Of 112,500 delays, one in a thousand networks has one above 5.6 standard deviations.
    assert load.longest <= engine.wiring.longest <= 15 + 5.6 * 7.5
    machine = replace(ZEN5, cores=8)
    plan = predict(load, machine, 1, threads=partitions)
    assert len(load.rows) == len(built)
    rows = [row for blocks in built for row in blocks]
    for part, bytes_of in (
        ("synapses", lambda r: r.targets.nbytes),
        ("segments", lambda r: r.heads().nbytes),
        ("heads of rows", lambda r: r.rows.nbytes),
    ):
        assert plan.memory[part] == pytest.approx(sum(map(bytes_of, rows)), rel=0.02), part
    # Of calendars, as much as spikes have used; the plan knows of no bursts.
    net.record("E", None)
    net.run(100.0)
    chunks = [c.chunks.reshape(-1, 64) for c in engine._memory.calendars]
    used = [np.flatnonzero(c[:-1, 1:].any(axis=1)) for c in chunks]
    assert all(u[-1] + 1 == u.size for u in used)  # one after the other, from the first one on
    rates = net.result.rates()
    planned = predict(load_of(net, {"E": 0.0, **rates}), machine, 1, threads=partitions)
    bytes_used = 512 * sum(u.size for u in used)
    assert 0.3 < planned.memory["calendars"] / bytes_used < 3.0
    assert bytes_used < 0.2 * sum(c.nbytes for c in chunks)
    net.close()


@given(
    st.floats(1.0, 1e5), st.integers(1, 5000), st.integers(1, 64), st.integers(1, 3),
    st.lists(st.floats(0.01, 1.0), min_size=1, max_size=20), st.sampled_from(sorted(LAYOUTS)),
)  # fmt: skip
def test_every_synapse_is_delivered_once(degree, ranks, threads, blocks, delays, layout):
    parts = tuple(np.array(delays) / np.sum(delays))
    rows = RowGroup(0, 1000.0 * degree, 2, parts)
    cost = LAYOUTS[layout].cost(rows, 1000.0, ranks, threads, blocks)
    assert cost.events * ranks * threads == pytest.approx(degree)
    assert cost.found <= 1.0 and cost.length >= 1.0 - 1e-9 and cost.segments >= 1.0 - 1e-9


def test_the_table_of_heads_outgrows_synapses():
    # By arithmetic: 4 bytes for each source and each of 64 blocks; and two segments at least.
    for ranks, heads in ((16, 0.41e9), (256, 6.55e9), (4096, 105e9)):
        plan = predict(SCALE.grown(ranks), CLUSTER, ranks, layout="dense")
        assert plan.memory["heads of rows"] == pytest.approx(heads, rel=0.01)
        short = predict(SCALE.grown(ranks), CLUSTER, ranks, layout="short")
        assert short.row_bytes < plan.row_bytes
        assert short.memory["calendars"] == 0.0 < plan.memory["calendars"] < 5e9
        assert predict(SCALE.grown(ranks), CLUSTER, ranks).memory == short.memory
        # A source has 2.4 synapses on one of 4096 ranks.
        if ranks == 4096:
            share = 0.25 + 4.0 * (1.0 - math.exp(-10_000 / 4096))
            assert short.memory["heads of rows"] == pytest.approx(409.6e6 * share, rel=1e-6)


@pytest.mark.parametrize(
    "delay",
    [Normal(1.5, 0.75, low=0.1, redraw=True), Normal(1.0, 0.5, low=0.2, high=1.5),
     Uniform(0.5, 2.0), 1.2],
)  # fmt: skip
def test_delays_occur_as_often_as_drawn(delay):
    net = network()
    net.connect("E", "E", FixedProbability(0.5), 1.0, delay)
    p = net.projections[-1]
    steps = np.rint(p.connections()["delay"] / net.dt).astype(int)
    parts = delay_parts(p.delay, net.dt)
    assert sum(parts.values()) == pytest.approx(1.0)
    for step, part in parts.items():
        error = 5.0 * math.sqrt(part / steps.size) + 1e-4
        assert abs(part - np.mean(steps == step)) < error, step
    net.close()


# Exchange.


def test_a_message_has_a_block_and_its_spikes():
    # 50 spikes of 64 parts: each has a word, and each part that has any three more.
    message = message_of(SCALE, 1, 64)
    assert message.words == pytest.approx(50 + 3 * 64 * -math.expm1(-50 / 64))
    # Room for 4.5 standard deviations more, of independent spikes; whole cache lines.
    longest = math.ceil(message.words * (1 + 4.5 / math.sqrt(50)))
    assert message.block == block_for(longest) and message.block % 16 == 0
    assert not message.long
    groups = (replace(SCALE.groups[0], rate=9000.0),)
    fast = message_of(replace(SCALE, groups=groups), 1, 64)
    assert fast.block == 1 << 16 and fast.long and fast.bytes == 4 * (fast.block + fast.words)


def test_exchange_is_rounds_and_bytes():
    message = message_of(SCALE, 1, 64)
    assert exchange_seconds(message, CLUSTER, 1, 1) == 0.0
    sixteen = exchange_seconds(message, CLUSTER, 16, 1)
    assert sixteen == pytest.approx(4 * 2e-6 + 15 * message.bytes / 12.5e9)
    both = exchange_seconds(message, CLUSTER, 16, 4)
    assert both == pytest.approx(
        2 * CLUSTER.latency + 3 * message.bytes / CLUSTER.link
        + 2 * 2e-6 + 12 * message.bytes / 12.5e9
    )  # fmt: skip


# All together.


@given(st.sampled_from([1, 2, 8, 64, 1000]), st.sampled_from([1, 2, 4]), st.booleans())
def test_predictions_add_up(ranks, per_node, record):
    plan = predict(
        SCALE, CLUSTER, ranks, per_node=per_node, threads=8, record=record, layout="short"
    )
    assert all(seconds >= 0 for seconds in plan.seconds.values())
    assert plan.realtime_factor == pytest.approx(sum(plan.seconds.values()) / 1e-4)
    more = predict(SCALE, CLUSTER, 2 * ranks, per_node=1, threads=8, layout="short")
    for part in ("synapses", "accumulators"):
        assert more.memory[part] == pytest.approx(plan.memory[part] / 2)
    assert more.seconds["update"] < plan.seconds["update"]
    assert set(plan.as_dict()) >= {"seconds", "memory", "wall", "fits"}


def test_the_wall_is_named():
    assert "delivery" in predict(SCALE, CLUSTER, 1).wall
    small = replace(CLUSTER, memory=2e9)
    plan = predict(SCALE, small, 1)
    assert not plan.fits and plan.wall.startswith("memory: synapses")
    assert predict(SCALE, CLUSTER, 1).memory == predict(SCALE, CLUSTER, 1, layout="dense").memory
    many = predict(SCALE.grown(50_000), CLUSTER, 50_000)
    assert not many.fits and "that int32 names" in many.wall
    slow = replace(CLUSTER, bandwidth=1e9)
    streamed = predict(SCALE, slow, 1).seconds["delivery"]
    assert streamed > 10 * predict(SCALE, CLUSTER, 1).seconds["delivery"]
    fast = replace(CLUSTER, speed=2.0, bandwidth=4e12)
    assert predict(SCALE, fast, 1).seconds["update"] == pytest.approx(
        predict(SCALE, CLUSTER, 1).seconds["update"] / 2
    )


def test_the_largest_published_network_of_neurons():
    # K computer: 82,944 nodes of 8 cores and 16 GB, 1.86e9 neurons, 11.1e12 synapses (Kunkel et al.
    # 2014).  Its synapses fit many times over.  What each rank has in full are 4 bytes a neuron.
    k = replace(CLUSTER, cores=8, memory=16e9, cache=0.5e6, shared_cache=6e6, bandwidth=64e9)
    load = fixed_load(22_425, 5_968, 5.0, 1.5, kernel=STANDARD).grown(82_944)
    assert load.neurons == pytest.approx(1.86e9, rel=0.001)
    assert load.synapses == pytest.approx(11.1e12, rel=0.001)
    plan = predict(load, k, 82_944, layout="short")
    assert plan.row_bytes < 2e9 and plan.memory["neurons"] < 1e6
    assert plan.memory["numbers of neurons"] == pytest.approx(7.44e9, rel=0.001)
    assert plan.fits


def test_what_cannot_be_planned_is_refused():
    with pytest.raises(SpikecudaError, match="must be a Network"):
        load_of("brunel", 5.0)
    with pytest.raises(SpikecudaError, match="must be <= its 64 cores"):
        predict(SCALE, CLUSTER, 4, per_node=4, threads=32)
    with pytest.raises(SpikecudaError, match="must be one of"):
        predict(SCALE, CLUSTER, 1, layout="other")
    with pytest.raises(SpikecudaError, match="one node of 2 cores"):
        predict(SCALE, ZEN5, 4, per_node=1)
    with pytest.raises(SpikecudaError, match="no time for updates of 'x'"):
        predict(fixed_load(10, 1, 1.0, 1.0, kernel="x"), ZEN5, 1)
    net = network()
    with pytest.raises(SpikecudaError, match="got none for I"):
        load_of(net, {"E": 5.0})
    with pytest.raises(SpikecudaError, match="no population 'Q'"):
        load_of(net, {"E": 5.0, "I": 5.0, "Q": 1.0})
    with pytest.raises(SpikecudaError, match="rate of E must be >= 0"):
        load_of(net, -1.0)
    net.connect("E", "I", FixedProbability(0.1), 1.0, 1.0, procedural=True)
    with pytest.raises(SpikecudaError, match="stored synapses"):
        load_of(net, 5.0)
    net = network()
    net.connect("E", "E", FixedProbability(0.1), 1.0, 1.0, plasticity=STDP(w_max=2.0))
    with pytest.raises(SpikecudaError, match="weights stay"):
        load_of(net, 5.0)


def test_rates_and_delays_that_no_neuron_has_are_refused():
    with pytest.raises(SpikecudaError, match="rate of E must be <= 10000 Hz, a spike in each step"):
        load_of(network(), 1e4 + 1.0)
    assert load_of(network(), 1e4).mean_rate == 1e4
    with pytest.raises(SpikecudaError, match="rate must be <= 10000 Hz"):
        fixed_load(10, 1, 2e4, 1.0, kernel=STANDARD)
    with pytest.raises(SpikecudaError, match="delay must be a multiple of dt"):
        fixed_load(10, 1, 1.0, 0.13, kernel=STANDARD)


def test_few_synapses_over_many_delays_are_planned():
    net = network(n=40)
    net.connect("E", "I", FixedTotal(2), 7.0, Uniform(0.5, 20.0))
    load = load_of(net, 5.0)
    assert load.longest >= 30 and predict(load, ZEN5, 2).fits


def test_the_standard_kernel_is_what_a_fixed_load_asks_for():
    net = standard_network()
    (group,) = load_of(net, 5.0).groups
    assert group.kernel == STANDARD and STANDARD in ZEN5.costs.updates
    assert isinstance(load_of(net, 5.0), Load) and load_of(net, 5.0).window == 64


# Machines.


def test_a_machine_survives_its_file(tmp_path):
    ZEN5.save(tmp_path / "a.toml")
    again = Machine.load(tmp_path / "a.toml")
    assert again == Machine.load(again.save(tmp_path / "b.toml"))
    (tmp_path / "c.toml").write_text(
        'like = "a.toml"\n[node]\ncores = 64\nspeed = 0.5\n[exchange]\nnetwork_latency_us = 2.0\n'
        "network_bandwidth_gb = 12.5\n[updates_ns]\nmine = [1, 2, 3]\n"
    )
    c = Machine.load(tmp_path / "c.toml")
    assert (c.name, c.cores, c.speed, c.network()) == ("c", 64, 0.5, (2e-6, 12.5e9))
    assert c.costs.update("mine") == pytest.approx((1e-9, 2e-9, 3e-9))
    assert c.costs.update(STANDARD) == pytest.approx(again.costs.update(STANDARD))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('like = "zen5"\nnod = 1', "unknown key nod, did you mean 'node'|unknown key nod"),
        ('like = "zen5"\n[node]\ncores = "two"', "node.cores"),
        ('like = "zen5"\n[node]\nmemory_gb = -1', "node.memory_gb"),
        ('like = "zen5"\n[node]\nspeed = 0', "node.speed of .* must be a number > 0 .got 0"),
        ('like = "zen5"\n[node]\ncores = 2.5', "node.cores of .* must be a whole number"),
        ('like = "zen5"\nname = 3', "name of .* must be a text"),
        ('like = "zen5"\n[costs]\nfound_ns = [1]', "costs.found_ns"),
        ('like = "zen5"\nlengths = [4, 1]', "ascending"),
        ('like = "zen5"\n[updates_ns]\nx = [1]', "updates_ns.x"),
        ('like = "zen5"\n[segments_ns]\nx = [1]', "segments_ns"),
        ('like = "m.toml"', "is like itself"),
        ("[node]\ncores = 2", "whole machine"),
        ("node = 3", "node of"),
        ("like = 3", "like of"),
        ("= =", "in TOML"),
    ],
)
def test_other_files_are_refused(text, says, tmp_path):
    path = tmp_path / "m.toml"
    path.write_text(text)
    with pytest.raises(SpikecudaError, match=says):
        Machine.load(path)


def test_delta_receptors_and_constant_weights_share_rows():
    net = Network(0.1, 1, devices="cpu")
    for name in ("E", "I"):
        net.population(name, 500, "lif", receptors={"jump": Delta()})
    for target in ("E", "I"):
        net.connect("E", target, FixedProbability(0.1), 0.1, 1.5)
        net.connect("I", target, FixedProbability(0.1), -0.5, 1.5)
    load = load_of(net, {"E": 10.0, "I": 20.0})
    assert [(r.source, r.weight_bytes, len(r.delays)) for r in load.rows] == [(0, 0, 1), (1, 0, 1)]
    assert load.window == 15 and load.mean_rate == 15.0
    assert load.events == pytest.approx(100_000 * 0.5 * 15.0 * 2)
