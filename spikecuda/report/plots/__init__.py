"""The report's plots: one file each, all with ``draw(report, gallery, theme) -> Figure | None``."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spikecuda.plots.style import Theme
    from spikecuda.report.gallery import GalleryData
    from spikecuda.report.results import Report

Draw = Callable[["Report", "Sequence[GalleryData]", "Theme"], Any]


@dataclass(frozen=True)
class Plot:
    """A plot of the report.

    Attributes:
        name: of its file, ``<name>.png``.
        title: heading.
        caption: what it shows and how to read it.
        draw: returns the figure, or None where there is nothing to show.
    """

    name: str
    title: str
    caption: str
    draw: Draw


def plots() -> list[Plot]:
    """Return the plots in the order of the report."""
    from spikecuda.report.plots import (
        gallery,
        memory,
        precision,
        realtime,
        scaling,
        systems,
        threads,
        utilisation,
    )

    return [
        Plot(
            "realtime", "What runs in real time", "Wall-clock time over model time against the "
            "number of neurons, at steps of 0.1 ms; the median of three runs. Below the dashed "
            "line a network runs in real time; the figure beside a point is the largest that "
            "does. Left: leaky neurons with 80 synapses each, active without input (the CUBA "
            "benchmark at any size). Right: parts of the cortical microcircuit, the whole of which "
            "has 77,169 neurons and 299 million synapses.", realtime.draw,
        ),
        Plot(
            "gallery", "What the neurons do", "200 neurons of each model, driven by a constant "
            "current that rises from the bottom neuron to the top one. Each dot is a spike. The "
            "two traces belong to the neurons marked beside the raster.", gallery.draw,
        ),
        Plot(
            "scaling", "Speed", "Neuron updates per second of wall-clock time against the number "
            "of neurons, from the input to the list of spikes; the best repeat, with a band down "
            "to the median. The dotted line is another machine’s figure, for "
            "orientation only. The table’s rates in Hz are those of the timed steps: a faster "
            "kernel takes more of them, so they differ between rows with the model time reached.",
            scaling.draw,
        ),
        Plot(
            "precision", "What a precision costs and buys", "Left: speed. Middle and right: spikes "
            "beside those of an independent float64 reference. Filled: constant input; hollow: "
            "noisy input. Right: the median difference of spike times, and a line to the 99th "
            "percentile; each neuron’s k-th spike is compared with its k-th, so that one spike "
            "more or fewer moves all later ones by an interval.", precision.draw,
        ),
        Plot(
            "threads", "Threads", "Speed with more threads over the speed with the fewest; the "
            "dashed line is as many times faster as there are threads. Other programs on the "
            "machine flatten the curve.", threads.draw,
        ),
        Plot(
            "memory", "Memory", "Bytes per neuron while a pool runs. Spike bits are a buffer of "
            "one bit per neuron and step of a launch; it stops growing at 32 MB.", memory.draw,
        ),
        Plot(
            "systems", "Systems of several models", "All three models in one system, float32. "
            "Left: speed of each type and of all, in the system (filled) and as a pool of the same "
            "neurons alone, in the same minute (hollow). Middle: the system over several devices, "
            "on the CPU of one thread each; the dashed line is as many times faster. Right: "
            "bytes of all buffers while it runs.", systems.draw,
        ),
        Plot(
            "utilisation", "The machine meanwhile", "Processor, memory and GPU while this report "
            "was measured, sampled five times a second. Kernels are compiled and start-up is timed "
            "in processes of their own, which count with all programs.", utilisation.draw,
        ),
    ]  # fmt: skip
