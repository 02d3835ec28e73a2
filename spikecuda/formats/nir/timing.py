"""How late each layer is: a spike needs a step from one population to the next.

In the libraries that NIR files come from, a spike passes all layers within one step.  Here each
layer is a step later than the one before it, and nothing else changes.
"""

from collections.abc import Mapping

from spikecuda.errors import SpikecudaValueError

LAYERS, STEPS = "layers", "steps"
# By (from, to): the shortest delay of an edge between neurons, in steps.
Links = Mapping[tuple[str, str], int]


def shifts(where: str, names: list[str], links: Links, timing: str) -> dict[str, int]:
    """Return how many steps later than in the file each population is.

    Args:
        where: file, for errors.
        names: of the populations.
        links: edges between them.
        timing: "layers": within a step, spikes pass through all layers, and an edge from a
            population to itself carries the spikes of the step before; "steps": every edge does.

    Raises:
        SpikecudaValueError: populations in a circle, with "layers".
    """
    result = dict.fromkeys(names, 0)
    if timing == STEPS:
        return result
    for _ in range(len(names) + 1):
        changed = False
        for (a, b), delay in links.items():
            least = result[a] + 1 - delay
            if a != b and result[b] < least:
                result[b], changed = least, True
        if not changed:
            return result
    circle = " -> ".join(_circle(names, links))
    raise SpikecudaValueError(
        f"{where}: populations in a circle have no first layer (got {circle}); "
        'timing="steps" lets every edge carry the spikes of the step before'
    )


def late(timing: str, source: str, target: str) -> int:
    """Return how many steps late an edge is in the file's own time, without its delay."""
    return int(timing == STEPS or source == target)


def _circle(names: list[str], links: Links) -> list[str]:
    """Return populations that lead back to the first of them."""
    after = {name: [b for a, b in links if a == name and b != a] for name in names}
    for start in names:
        waiting, seen = [[start]], set()
        while waiting:
            way = waiting.pop()
            for following in after[way[-1]]:
                if following == start:
                    return [*way, start]
                if following not in seen:
                    seen.add(following)
                    waiting.append([*way, following])
    return names
