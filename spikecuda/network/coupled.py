"""The part of a network that couples neurons by their states."""

from typing import Any

import numpy as np

from spikecuda.common.cores import usable_cores
from spikecuda.common.exclusive_use import changes
from spikecuda.common.out_of_memory import out_of_memory
from spikecuda.errors import SpikecudaError
from spikecuda.network.described import HIDDEN, Described
from spikecuda.network.model.coupling import Coupling
from spikecuda.network.model.population import Population, View, as_view
from spikecuda.network.model.rules import as_rule
from spikecuda.network.synapses.coupled_rows import draw_pairs


class CoupledNetwork(Described):
    """The part of a network that couples neurons by their states."""

    @property
    def couplings(self) -> tuple[Coupling, ...]:
        """The couplings, in the order of ``couple``."""
        return tuple(self._couplings)

    @changes
    @out_of_memory("what a coupling is made of", "couple fewer neurons")
    def couple(
        self,
        source: Population | View | str,
        target: Population | View | str,
        rule: Any,
        weight: Any,
        value: Any = "v",
        receptor: str | None = None,
        *,
        difference: bool = False,
        symmetric: bool = False,
        iterated: bool = False,
        autapses: bool = True,
        multapses: bool = True,
    ) -> Coupling:
        """Let neurons receive, in each step, the sum of what is read of others.

        Before a step, neuron i receives the sum over its sources j of ``weight * x_j``, or with
        ``difference`` of ``weight * (x_j - x_i)``, as a current that is constant over the step.
        ``x`` is read at the start of the step.  The error is of order 1 in dt, and of order 2 with
        ``iterated``.

        Args:
            source, target: populations, views such as ``net["E"][:100]``, or names.
            rule: which pairs are coupled: a rule from ``spikecuda.network``, "all_to_all" or
                "one_to_one".
            weight: what a difference or a value of 1 gives, in pA or the unit of the model's input:
                nS for states in mV.  A number, ``Normal``, ``LogNormal``, ``Uniform``, a profile of
                the distance, or with ``Pairs`` an array with one number for each pair.
            value: what is read of a neuron: the name of a state, or a function of states and
                parameters in the language of models, such as ``def rate(x, gain): ...``.  A
                function of both neurons of a pair, ``def f(x_pre, x_post): ...``, gives ``weight *
                f``.
            receptor: name of the ``Coupled`` receptor of the target, of a symmetric coupling also
                of the source; None: the only one.
            difference: whether the target's own value is taken off.
            symmetric: whether each pair acts in both directions.  Within a population, a rule that
                looks at every pair looks at each once.
            iterated: take each step of the network twice.  The second time neurons receive the mean
                of what is read at its start and at the end of the first time; of neurons that spike
                in the step, what is read at its start.
            autapses: whether a neuron may be coupled to itself.
            multapses: whether a pair may be coupled several times.

        Returns:
            The coupling, whose ``connections()`` are its pairs.

        Raises:
            SpikecudaError: the network is built or closed.
            SpikecudaValueError, SpikecudaTypeError: an argument cannot be used.
            ModelError: a function cannot be a kernel; the message has the line.
        """
        self._require_unbuilt("couple")
        number = HIDDEN - 1 - len(self._couplings)
        if len(self._projections) + len(self._couplings) >= HIDDEN:
            raise SpikecudaError(
                f"a network has at most {HIDDEN:,} projections and couplings (got one more)"
            )
        coupling = Coupling(
            self, self.dt, self._seeds.wiring, number, as_view("source", source, self._named),
            as_view("target", target, self._named), as_rule(rule), weight, value, receptor,
            difference=difference, symmetric=symmetric, iterated=iterated, autapses=autapses,
            multapses=multapses,
        )  # fmt: skip
        self._couplings.append(coupling)
        return coupling

    def gap_junctions(
        self,
        a: Population | View | str,
        b: Population | View | str,
        rule: Any,
        weight: Any,
        value: Any = "v",
        receptor: str | None = None,
        *,
        iterated: bool = False,
        multapses: bool = True,
    ) -> Coupling:
        """Join neurons by gap junctions: of each pair both receive ``weight * (v_other - v_own)``.

        It is ``couple`` with ``difference`` and ``symmetric``.

        Args:
            a, b: populations, views or names; the same for junctions within a population.
            rule: which pairs are joined, as for ``couple``.
            weight: conductance in nS, as for ``couple``.
            value, receptor, iterated, multapses: as for ``couple``.

        Returns:
            The coupling.

        Raises:
            SpikecudaError, SpikecudaValueError, SpikecudaTypeError, ModelError: as for ``couple``.
        """
        return self.couple(
            a, b, rule, weight, value, receptor, difference=True, symmetric=True,
            iterated=iterated, autapses=False, multapses=multapses,
        )  # fmt: skip

    @out_of_memory("the pairs of a coupling", "couple fewer neurons")
    def coupled_pairs(self, coupling: Coupling) -> dict[str, np.ndarray]:
        """Return a coupling's pairs, drawn once; see ``Coupling.connections``."""
        self._require_open()
        return draw_pairs(coupling, self._describe().sizes, usable_cores())
