"""Predicted updates per second beside the figures that this project started from.

    python bench/predict.py [--neurons 1000000] [--steps 256]

Nothing is measured: every figure in a column marked "predicted" is an upper bound computed from
the compiled kernel's machine code and from published figures of the GPU (docs/inspection.md).
The figures of the starting report are those of its authors, CuPy on an RTX 3060.
"""

import argparse

from spikecuda.cli import terminal
from spikecuda.inspection import catalogue, gpus, inspected, profile, report
from spikecuda.inspection.predict import lower_bound

# Neuron updates per second in the starting report; the sizes of its runs differ from row to row.
REPORTED = (
    ("LIF", "lif", "float32", None, 8.1e6),
    ("AdEx", "adex", "float32", None, 4.0e6),
    ("Izhikevich", "izhikevich", "float32", None, 1.7e6),
    ("100,000 neurons (as LIF)", "lif", "float32", 100_000, 16.0e6),
    ("1,000,000 neurons (as LIF)", "lif", "float32", 1_000_000, 0.17e6),
    ("float16 (as LIF)", "lif", "float16", None, 0.29e6),
    ("float32 (as LIF)", "lif", "float32", None, 1.86e6),
    ("float64 (as LIF)", "lif", "float64", None, 0.28e6),
)
COLUMNS = (
    "RTX 3060, updates/s", "starting report", "K = 1, predicted", "bound by", "fused, predicted",
    "bound by",
)  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--neurons", type=int, default=1_000_000, help="where a row names none")
    parser.add_argument("--steps", type=int, default=256, help="K of the fused kernel")
    args = parser.parse_args()
    card = gpus.gpu("RTX 3060")
    rows = []
    for name, model, precision, size, reported in REPORTED:
        kernel = profile(inspected(catalogue.spec(model, precision), card.cc))
        neurons = size or args.neurons
        plain = lower_bound(kernel, card, neurons, 1)
        fused = lower_bound(kernel, card, neurons, args.steps)
        rows.append(
            (
                name,
                f"{reported / 1e6:.2f} M",
                f"{plain.updates / 1e9:.1f} G",
                plain.binding,
                f"{fused.updates / 1e9:.1f} G",
                fused.binding,
            )
        )
    out = terminal.console()
    title = f"Upper bounds for {args.neurons:,} neurons where none are named, K = {args.steps}"
    out.print(terminal.table(title, COLUMNS, rows))
    specs = [
        catalogue.spec(model, precision)
        for model in catalogue.MODELS
        for precision in ("float16", "float32", "float64")
    ]
    title = f"PREDICTED, not measured: at most, {args.neurons:,} neurons"
    found = report.predictions(specs, args.neurons, args.steps)
    out.print(terminal.table(title, report.PREDICTION_COLUMNS, found))


if __name__ == "__main__":
    main()
