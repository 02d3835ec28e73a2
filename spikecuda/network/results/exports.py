"""Where the result of a network goes: files and objects of other tools."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from spikecuda.errors import SpikecudaValueError

if TYPE_CHECKING:
    from spikecuda.network.results.result import NetworkResult
    from spikecuda.view.results import ResultView

# What is replaced in the name of a file by the number of the process that has a part of a result.
RANK = "{rank}"


def own_path(result: "NetworkResult", path: str | os.PathLike[str]) -> str | os.PathLike[str]:
    """Return where a process writes its result, so that none overwrites the file of another.

    Raises:
        SpikecudaValueError: "{rank}" is missing for a part, or there for a result that is whole.
    """
    text, part = os.fspath(path) if isinstance(path, str | os.PathLike) else "", result.part
    if part is None:
        if RANK in text:
            raise SpikecudaValueError(
                f"path must be without {RANK} for a result that is whole (got {text!r:.200}); "
                "run(..., gather=False) leaves each process its part"
            )
        return path
    if text and RANK not in text:
        raise SpikecudaValueError(
            f"path must have {RANK} in it, which is replaced by the number of the process (got "
            f"{text!r:.200} for a part of a result); gather() makes the result whole"
        )
    return text.replace(RANK, str(part.rank)) if text else path


class Exports:
    """The part of a result that writes and converts it."""

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write everything to an npz file; ``load`` returns it bit for bit.

        Its keys: see ``spikecuda.network.results.file``.

        Args:
            path: the file.  Of a part, see ``gather``, it has "{rank}" in it, which is replaced by
                the number of the process.

        Returns:
            The path that was written.

        Raises:
            SpikecudaValueError: "{rank}" is missing, or is there for a result that is whole.
        """
        from spikecuda.network.results.file import save

        return save(self._whole, own_path(self._whole, path))

    def gather(self) -> "NetworkResult":
        """Return the whole result of which each process has a part; all call it together.

        Of a result that is whole, or of a run in one process, it is the same.

        Raises:
            SpikecudaError: this job has another number of processes than the run.
        """
        from spikecuda.network.results.gather import gather

        return gather(self._whole)

    @staticmethod
    def load(path: str | os.PathLike[str]) -> "NetworkResult":
        """Read what ``save`` wrote.

        Args:
            path: the file.  With "{rank}" in it, the files of all processes are read and joined:
                the result is that of a run with ``gather=True``, bit for bit.

        Raises:
            SpikecudaValueError: the file holds something else, or files are not of one run.
            OSError: a file is missing.
        """
        from spikecuda.network.results.file import load_parts

        return load_parts(path)

    def view(self, *, port: int = 0, open: bool = False, height: int = 760) -> "ResultView":
        """Serve a page that shows the result in a browser; see ``spikecuda.view.show``.

        Args:
            port: of the loopback address, 0 to 65535; 0: a free one.
            open: whether to open it in a browser.
            height: of the frame in notebooks, 100 to 10,000 pixels.

        Returns:
            The page, until it is closed: a context manager, whose ``url`` is the address.

        Raises:
            SpikecudaError, SpikecudaValueError, SpikecudaTypeError: no spikes were recorded, the
                port is not free, or an argument cannot be used.
            MissingPackageError: websockets is not installed.
        """
        from spikecuda.view.results import show

        return show(self._whole, port=port, open=open, height=height)

    def to_neo(self, populations: list[str] | None = None) -> Any:
        """Return a neo Block of one Segment: spike trains, analog signals, a Group per population.

        Args:
            populations: which; by default all. A train takes about 0.3 ms.

        Raises:
            MissingPackageError: neo is not installed.
        """
        from spikecuda.network.results.neo import to_neo

        return to_neo(self._whole, populations)

    def to_dataframe(
        self, what: str = "spikes", start: float | None = None, stop: float | None = None
    ) -> Any:
        """Return a pandas DataFrame, with the column ``population``.

        Args:
            what: "spikes": a row for each spike, with neuron and time (ms); "traces": a row for
                each sample and neuron, with neuron, time (ms) and the variables; "rates": a row for
                each neuron whose spikes were recorded, with neuron, spikes and rate (Hz);
                "synapses": a row for each sample and synapse, with projection, source, target, time
                (ms), weight and variables.
            start, stop: part of the run, ms of model time; None: all of it.

        Raises:
            SpikecudaValueError: it was not recorded.
            MissingPackageError: pandas is not installed.
        """
        from spikecuda.network.results.frame import to_dataframe

        return to_dataframe(self._whole, what, start, stop)

    def to_sonata(self, path: str | os.PathLike[str], sorting: str = "by_time") -> Path:
        """Write the spikes to a SONATA file, which libsonata and the Brain Modeling Toolkit read.

        A population of the file is one of the network; times are in ms.

        Args:
            path: of the file, such as ``spikes.h5``.
            sorting: "by_time" or "by_id".

        Raises:
            SpikecudaValueError: no spikes were recorded.
            MissingPackageError: h5py is not installed.

        Source: SONATA developer guide 0.1 (github.com/AllenInstitute/sonata), "Spike file".
        """
        from spikecuda.network.results.sonata import to_sonata

        return to_sonata(self._whole, own_path(self._whole, path), sorting)

    def to_nwb(
        self,
        path: str | os.PathLike[str],
        *,
        subject: Mapping[str, Any] | None = None,
        about: Mapping[str, Any] | None = None,
    ) -> Path:
        """Write the result to a file of Neurodata Without Borders (NWB 2).

        ``units`` has a row for each neuron whose spikes were recorded, with ``population`` and
        ``neuron``, times in s and dt as resolution.  Variables are series in ``acquisition``, with
        their conversion to SI units; the table ``processing/misc/traces`` says which neuron a
        column is.

        Args:
            path: of the file, such as ``run.nwb``.
            subject: fields of ``pynwb.file.Subject``; None: a simulation.
            about: fields of ``pynwb.NWBFile``, such as experimenter, institution or keywords; by
                default the session starts now and has a random identifier.

        Raises:
            SpikecudaValueError: nothing was recorded, or NWB has no such field.
            MissingPackageError: pynwb is not installed.

        Source: Ruebel et al. (2022) eLife 11:e78362.
        """
        from spikecuda.network.results.nwb import to_nwb

        return to_nwb(self._whole, own_path(self._whole, path), subject, about)

    @property
    def _whole(self) -> "NetworkResult":
        return cast("NetworkResult", self)
