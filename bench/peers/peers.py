"""Who is compared, and the ratios that are aimed at."""

from dataclasses import dataclass

OURS = "spikecuda"
BASE = (OURS, "float32")
"""The row that all ratios refer to."""


@dataclass(frozen=True)
class Peer:
    """A simulator: its script is ``<name>_pool.py``, its pins ``requirements/<name>.txt``."""

    name: str
    variants: tuple[str, ...]
    pythons: tuple[tuple[int, int], ...] = ()
    """Python versions it is installed for, best first; empty: runs in the driver's own."""
    max_threads: int | None = None
    slower: tuple[tuple[str, int], ...] = ()
    """(model, k): run 1 / k of the steps, so that a slow simulator does not take all day."""

    def steps(self, model: str, steps: int) -> int:
        """Steps of one timed run."""
        return max(1, steps // dict(self.slower).get(model, 1))


PEERS = {
    peer.name: peer
    for peer in (
        Peer("brian2", ("float32", "float64"), pythons=((3, 13), (3, 14))),
        Peer("brainpy", ("counted", "uncounted"), pythons=((3, 13), (3, 12))),
        Peer(
            "nest",
            ("default", "window"),
            pythons=((3, 13), (3, 12)),
            slower=(("lif", 4), ("adex", 10), ("izhikevich", 4)),
        ),
        Peer("genn", ("float32",), pythons=((3, 12), (3, 13), (3, 11)), max_threads=1),
        Peer(OURS, ("float32", "float64")),
    )
}

TARGETS: dict[tuple[str, str], float] = {
    ("lif", "brian2"): 8.0,
    ("lif", "brainpy"): 3.0,
    ("lif", "nest"): 100.0,
    ("adex", "brainpy"): 2.0,
    ("izhikevich", "brian2"): 2.0,
}
"""What spikecuda aims at, as a multiple of a peer's updates per second, one thread each."""
