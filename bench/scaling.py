"""Real-time factor of the full microcircuit by number of cores, and the bandwidth that binds it.

    python bench/scaling.py --measure      # runs it here on 1 and 2 threads, and 2 processes
    python bench/scaling.py                # draws docs/scaling.png and docs/scaling-dark.png

What was measured is kept in bench/scaling.json.  All other points are predicted by ``spikecuda
plan`` for a machine's figures, with more of its cores.  Published ones are others' software on
others' machines.  Nothing else should run while it measures.
"""

import argparse
import datetime
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

from plan import measured

from spikecuda.common.host_memory import cpu_name
from spikecuda.examples import microcircuit
from spikecuda.plan import Load, Machine, Prediction, load_of, predict
from spikecuda.plots.style import THEMES, Theme, figure, themed

HERE = Path(__file__).resolve().parent
KEPT, PICTURES = HERE / "scaling.json", HERE.parent / "docs"
# Processes and threads of each.
MEASURED = ((1, 1), (1, 2), (2, 1))
CORES = (1, 2, 4, 8, 16, 32, 64, 128)
# Threads of a process where there are several: a core complex of the processor.
TEAM = 8
MACHINES = {
    "zen5": "This machine (zen5.toml) with more cores",
    "epyc9755": "A node with an EPYC 9755 (epyc9755.toml)",
}
# Cores, factor: NEST on one node and on two (Kurth et al. 2022, Neuromorph Comput Eng 2:021001).
NEST = ((128, 0.67), (256, 0.53))
# No cores: those of bench/predict_networks.py.
OTHERS = (("NEST GPU, RTX 4090", 0.39), ("GeNN, RTX 4090", 0.27))


def measure() -> None:
    """Run the network here, and keep what it took."""
    found = [
        (ranks, threads, measured("full", ranks, False, threads)) for ranks, threads in MEASURED
    ]
    KEPT.write_text(
        json.dumps({
            "machine": cpu_name(), "date": datetime.date.today().isoformat(),
            "rates": found[0][2]["rates"],
            "points": [
                {"ranks": r, "threads": t, "factor": got["factor"]} for r, t, got in found
            ],
        }, indent=1) + "\n",
        encoding="utf-8",
    )  # fmt: skip


def plans(load: Load, name: str) -> dict[str, list[Prediction]]:
    """Return what is predicted for a machine by number of cores: one process, and teams of 8."""
    machine = Machine.load(name)
    one, teams = [], []
    for cores in CORES:
        node = replace(machine, cores=cores)
        one.append(predict(load, node, 1, threads=cores))
        if cores > TEAM:
            teams.append(predict(load, node, cores // TEAM, threads=TEAM, per_node=cores // TEAM))
    return {"one process": one, f"processes of {TEAM} threads": teams}


def floor(plan: Prediction) -> float:
    """Return the real-time factor at which memory would be read all the time."""
    return plan.streamed / (1e-3 * plan.load.dt * plan.load.window)


def draw(theme: Theme, kept: dict[str, Any], found: dict[str, dict[str, list[Prediction]]]) -> Any:
    """Return the figure in a theme."""
    with themed(theme):
        result = figure(4.4)
        axes = result.subplots(1, 2, sharey=True)
        blue, red = theme.accents
        for ax, (name, title) in zip(axes, MACHINES.items(), strict=True):
            one, teams = found[name].values()
            x = [p.ranks * p.threads for p in one]
            ax.plot(x, [p.realtime_factor for p in one], "--", color=blue, marker="o", ms=3.5,
                    mfc=theme.paper, label="predicted, one process")  # fmt: skip
            ax.plot([p.ranks * p.threads for p in teams], [p.realtime_factor for p in teams], ":",
                    color=blue, marker="s", ms=3.5, mfc=theme.paper,
                    label=f"predicted, processes of {TEAM} threads")  # fmt: skip
            bandwidth = Machine.load(name).bandwidth * 1e-9
            ax.plot(x, [floor(p) for p in one], "-", color=theme.soft, lw=1.2,
                    label="bound by memory bandwidth, one process (predicted)")  # fmt: skip
            ax.annotate(
                f"rows read at {bandwidth:.0f} GB/s", (x[2], floor(one[2])), (10, -12),
                textcoords="offset points", color=theme.soft, fontsize=8,
            )  # fmt: skip
            if name == "zen5":
                for point in kept["points"]:
                    ranks, threads = point["ranks"], point["threads"]
                    ax.plot(ranks * threads, point["factor"], "o" if ranks == 1 else "s",
                            color=red, ms=7 if ranks == 1 else 5, ls="none", zorder=4,
                            label="measured, threads" if ranks * threads == 1 else
                            "measured, two processes" if ranks > 1 else None)  # fmt: skip
            ax.plot(*zip(*NEST, strict=True), "^", color=theme.ink, ms=6, ls="none",
                    label="published: NEST on EPYC Rome; on GPUs")  # fmt: skip
            for label, factor in OTHERS:
                ax.plot([700, 3600], [factor, factor], color=theme.ink, lw=1.2)
                ax.text(3600, factor * 1.04, label, ha="right", va="bottom", fontsize=7,
                        color=theme.soft)  # fmt: skip
            ax.axhline(1.0, color=theme.soft, lw=0.7)
            ax.text(3600, 1.03, "real time", ha="right", fontsize=7.5, color=theme.soft)
            ax.set(xscale="log", yscale="log", title=title, xlabel="cores; at the right GPUs",
                   xlim=(0.85, 3800), ylim=(0.004, 2.6))  # fmt: skip
            ax.set_xticks([*CORES, 256], [str(c) for c in (*CORES, 256)], minor=False)
            ax.minorticks_off()
            ax.set_yticks(
                [0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0],
                ["0.005", "0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1", "2"],
            )
        axes[0].set_ylabel("real-time factor of the full microcircuit")
        handles, labels = axes[0].get_legend_handles_labels()
        result.legend(handles, labels, loc="outside lower center", ncols=3, fontsize=8)
    return result


def main() -> None:
    """Measure, or print what is predicted and draw it."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--measure", action="store_true")
    if parser.parse_args().measure:
        measure()
    kept = json.loads(KEPT.read_text(encoding="utf-8"))
    for point in kept["points"]:
        print(f"measured   {point['ranks']:>3} x {point['threads']:<4}{point['factor']:8.3f}")
    load = load_of(microcircuit.network(), kept["rates"], "microcircuit")
    found = {name: plans(load, name) for name in MACHINES}
    for name, ways in found.items():
        for plan in (p for way in ways.values() for p in way):
            print(f"{name:<10} {plan.ranks:>3} x {plan.threads:<4}{plan.realtime_factor:8.3f}"
                  f"  bandwidth {floor(plan):.4f}  {plan.wall}")  # fmt: skip
    for theme in THEMES:
        path = PICTURES / ("scaling.png" if theme.name == "light" else f"scaling-{theme.name}.png")
        draw(theme, kept, found).savefig(path)


if __name__ == "__main__":
    main()
