"""The colours of populations."""

import re
from collections.abc import Iterable, Mapping

from spikecuda.errors import SpikecudaValueError, nearest
from spikecuda.plots.style import Theme

_ENDING = re.compile(r"(?:^|[\W_\d])([EeIi])$|[^A-Z]([EI])$")


def kind(name: str) -> str | None:
    """Return "E" or "I" if a population's name says that it excites or inhibits, else None."""
    lower = name.lower()
    for part, letter in (("exc", "E"), ("inh", "I")):
        if part in lower:
            return letter
    found = _ENDING.search(name)
    return (found.group(1) or found.group(2)).upper() if found else None


def colours(
    names: Iterable[str], theme: Theme, given: Mapping[str, str] | None = None
) -> dict[str, str]:
    """Return a colour for each population: the given one, that of its kind, or the next free one.

    Args:
        names: the populations.
        theme: excitatory ones get its first accent, inhibitory ones its second.
        given: colours by name, in any form that matplotlib takes.
    """
    free = [theme.precision["float16"], theme.parts[2], theme.parts[1], theme.soft]
    names = list(names)
    for name in given or {}:
        if name not in names:
            raise SpikecudaValueError(
                f"colors must name populations that are drawn: {', '.join(names)} (got {name!r})"
                f"{nearest(str(name), names)}"
            )
    kinds = {name: kind(name) for name in names}
    if not any(kinds.values()):
        free = [*theme.accents, *free]
    result, used = {}, 0
    for name in names:
        if given and name in given:
            result[name] = given[name]
        elif kinds[name]:
            result[name] = theme.accents[kinds[name] == "I"]
        else:
            result[name] = free[used % len(free)]
            used += 1
    return result
