"""Node sets: which nodes an input or a report is for."""

import re
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from spikecuda.common.arguments import is_name
from spikecuda.errors import SpikecudaValueError, nearest, shown
from spikecuda.formats.sonata.nodes import Nodes

# Rows of nodes by population.
Selection = dict[str, np.ndarray]
COMPARISONS: dict[str, Callable[[np.ndarray, float], np.ndarray]] = {
    "$gt": np.greater, "$gte": np.greater_equal, "$lt": np.less, "$lte": np.less_equal,
}  # fmt: skip


class NodeSets:
    """The node sets of a configuration.

    Args:
        path: of their file, for errors.
        defined: by name, as the file has them.
        nodes: the populations, each of which is a node set of its name.
    """

    def __init__(self, path: object, defined: Mapping[str, Any], nodes: Mapping[str, Nodes]):
        self._path, self._defined, self._nodes = path, defined, nodes

    def find(self, where: str, given: Any) -> Selection:
        """Return the nodes of a set.

        Args:
            where: it was named, for errors.
            given: a name, "all", a list of node ids, or an object of properties; None: all.

        Raises:
            SpikecudaValueError: there is no such set, or it has a rule that no node can follow.
        """
        return self._find(where, given, ())

    def _find(self, where: str, given: Any, outer: tuple[str, ...]) -> Selection:
        if given is None or (given == "all" and "all" not in self._defined):
            return {name: np.arange(nodes.size) for name, nodes in self._nodes.items()}
        if isinstance(given, list):
            given = {"node_id": given}
        if isinstance(given, dict):
            return self._basic(where, given)
        if not isinstance(given, str):
            raise SpikecudaValueError(f"{where}: a node set must be a name (got {shown(given)})")
        if given in outer:
            raise SpikecudaValueError(f"{self._path}: node set {given!r:.80} must not hold itself")
        if given in self._defined:
            found, where = self._defined[given], f"{self._path}, {given}"
            if not isinstance(found, list):
                return self._find(where, found, (*outer, given))
            return self._union([self._find(where, name, (*outer, given)) for name in found])
        if given in self._nodes:
            return {given: np.arange(self._nodes[given].size)}
        known = [*self._defined, *self._nodes]
        raise SpikecudaValueError(
            f"{where}: there is no node set {given!r:.80}{nearest(given, known)}; there are "
            f"{', '.join(known) or 'none'}"
        )

    def _union(self, parts: list[Selection]) -> Selection:
        result: Selection = {}
        for part in parts:
            for name, rows in part.items():
                result[name] = np.union1d(result.get(name, np.empty(0, np.int64)), rows)
        return result

    def _basic(self, where: str, rules: Mapping[str, Any]) -> Selection:
        """Return the nodes that follow all rules."""
        wanted = rules.get("population", rules.get("populations", list(self._nodes)))
        names = wanted if isinstance(wanted, list) else [wanted]
        for name in names:
            if not is_name(name, self._nodes):
                known = list(self._nodes)
                raise SpikecudaValueError(
                    f"{where}: there is no population {shown(name)}{nearest(str(name), known)}; "
                    f"there are {', '.join(known)}"
                )
        rest = {k: v for k, v in rules.items() if k not in ("population", "populations")}
        if "node_ids" in rest and "node_id" not in rest:  # the Brain Modeling Toolkit takes both
            rest = {"node_id" if k == "node_ids" else k: v for k, v in rest.items()}
        for key in rest:
            known_to = [n for n in names if self._has(self._nodes[n], key)]
            if not known_to:
                raise SpikecudaValueError(
                    f"{where}: no node of {', '.join(names)} has a property {key!r:.80}; correct "
                    "the rule"
                )
        result = {}
        for name in names:
            nodes, chosen = self._nodes[name], np.ones(self._nodes[name].size, bool)
            for key, value in rest.items():
                chosen &= self._follows(where, nodes, key, value)
            if chosen.any() or not rest:
                result[name] = np.flatnonzero(chosen)
        ids = rest.get("node_id")
        if isinstance(ids, list) and len(names) == 1 and names[0] in self._nodes:
            self._require_ids(where, self._nodes[names[0]], ids)
        return result

    def _require_ids(self, where: str, nodes: Nodes, ids: list[Any]) -> None:
        """Raise for a node that is named and not there."""
        for value in ids:
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole or abs(value) >= 2**63 or nodes.rows(np.array([value]))[0] < 0:
                raise SpikecudaValueError(
                    f"{where}: node_id must be nodes of {nodes.name}, which has {nodes.size:,} "
                    f"(got {shown(value)})"
                )

    @staticmethod
    def _has(nodes: Nodes, key: str) -> bool:
        return key in ("node_id", "node_type_id") or nodes.elements.has(key)

    def _follows(self, where: str, nodes: Nodes, key: str, value: Any) -> np.ndarray:
        """Return which nodes follow a rule, a mask."""
        if not self._has(nodes, key):
            return np.zeros(nodes.size, bool)
        if isinstance(value, dict):
            return self._compared(where, nodes, key, value)
        values = value if isinstance(value, list) else [value]
        whole = key in ("node_id", "node_type_id")
        for item in values:
            if not isinstance(item, (int, float) if whole else (str, int, float)):
                raise SpikecudaValueError(
                    f"{where}: {key} must be {'numbers' if whole else 'numbers or texts'} (got "
                    f"{shown(item)})"
                )
        if whole:
            return np.isin(self._numbers(nodes, key), np.array(values))
        texts = [item for item in values if isinstance(item, str)]
        found = np.isin(nodes.elements.texts(key).astype(str), texts) if texts else False
        numbers = [float(item) for item in values if not isinstance(item, str)]
        if numbers:
            found = found | np.isin(self._numbers(nodes, key), numbers)
        return np.broadcast_to(found, nodes.size)

    def _compared(self, where: str, nodes: Nodes, key: str, rules: Mapping[str, Any]) -> np.ndarray:
        chosen = np.ones(nodes.size, bool)
        for operator, value in rules.items():
            if operator in COMPARISONS and isinstance(value, int | float):
                chosen &= COMPARISONS[operator](self._numbers(nodes, key), float(value))
            elif operator == "$regex" and isinstance(value, str):
                try:
                    pattern = re.compile(value)
                except re.error as error:
                    raise SpikecudaValueError(
                        f"{where}: {key}.$regex must be a regular expression (got {value!r:.80}: "
                        f"{error})"
                    ) from None
                texts = nodes.elements.texts(key)
                chosen &= np.array([t is not None and bool(pattern.match(t)) for t in texts], bool)
            else:
                raise SpikecudaValueError(
                    f"{where}: {key} takes {', '.join(COMPARISONS)} with a number or $regex with a "
                    f"text (got {operator!r:.80}: {shown(value)})"
                )
        return chosen

    @staticmethod
    def _numbers(nodes: Nodes, key: str) -> np.ndarray:
        if key == "node_id":
            return nodes.ids
        return nodes.elements.type_ids if key == "node_type_id" else nodes.elements.numbers(key)
