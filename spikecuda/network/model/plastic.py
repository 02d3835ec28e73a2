"""What a projection's user does with weights: read, set, freeze, normalise, scale, rewire."""

import math
from typing import Any

import numpy as np

from spikecuda.common.arguments import as_flag, as_real, is_name
from spikecuda.common.fixed import Fixed
from spikecuda.common.given_copy import give_copy
from spikecuda.errors import SpikecudaError, SpikecudaValueError, nearest
from spikecuda.network.model.handle import Handle
from spikecuda.network.model.population import View
from spikecuda.network.model.rule_parameters import RuleParameters
from spikecuda.network.model.upkeep import (
    as_normalisation,
    as_period,
    as_rate_scaling,
    as_rewiring,
    as_sharing,
    require_alone,
)
from spikecuda.runtime.parameters import Parameters

# Per s and Hz: how fast weights follow a rate unless ``scale_to_rate`` is told.
BETA = 4e-3


class Plastic(Fixed):
    """The part of a projection that reads and changes weights."""

    handle: Handle
    dt: float
    source: View
    target: View
    receptor: str
    plasticity: Any
    modulator: View | None
    _plastic: bool

    @property
    def learns(self) -> bool:
        """Whether the synapses have a rule that changes their weights."""
        return self.plasticity is not None and self.plasticity.learns

    @property
    def name(self) -> str:
        """What errors and the summary call it."""
        source = self.source.population.name or "SpikeTrain"
        return f"{source} -> {self.target.population.name} ({self.receptor})"

    def connections(self, sources: object = None) -> dict[str, np.ndarray]:
        """Return the synapses, sorted by source, then delay, then target; this builds the network.

        Args:
            sources: which neurons of the source population: a slice, numbers or a mask; None: all.
                Of procedural rows, only those from the first to the last of these are drawn.

        Returns:
            Arrays (synapses,): ``source`` and ``target``, int32 numbers within the populations;
            ``weight``, float64 in the receptor's unit; ``delay``, float64 in ms; and variables of
            synapses that learn, float64 by name.  What is learned is as of now.

        Raises:
            OutOfMemoryError: the list does not fit.
        """
        if sources is None:
            return self.handle.connections_of(self)
        return self.handle.connections_of(self, View(self.source.population, sources))

    @property
    def weights(self) -> np.ndarray:
        """The weights, in the order of ``connections``, a read-only copy.

        Assign a number or an array.  To change some weights, change a copy and assign it.
        Spikes under way arrive with the weight that they were sent with.  Weights of procedural
        projections cannot be changed, nor can weights of synapses that learn leave the bounds of
        their rule.
        """
        return give_copy(self.connections()["weight"])

    @weights.setter
    def weights(self, values: object) -> None:
        self.handle.set_weights(self, values)

    def values(self, name: str) -> np.ndarray:
        """Return a variable of synapses that learn as of now, in the order of ``connections``.

        Args:
            name: of the rule's ``Variable`` or ``SynapseParameter``, or "weight".  A
                ``SourceVariable``, such as u of ``TsodyksMarkram``, belongs to a source and cannot
                be read.

        Raises:
            SpikecudaError: the synapses do not learn.
            SpikecudaValueError: the rule has no such variable.
        """
        self._require_variable(name)
        return give_copy(self.connections()[name])

    def _require_variable(self, name: str) -> None:
        """Raise unless the synapses have a variable of this name."""
        if self.plasticity is None:
            raise SpikecudaError(
                f"{self.name} does not learn and has no variables (got {name!r}); connect it with "
                "plasticity=..., or use weights"
            )
        known = ["weight", *self.plasticity.variables]
        if is_name(name, self.plasticity.source_variables):
            raise SpikecudaValueError(
                f"{name} of {type(self.plasticity).__name__} belongs to a source, and only "
                f"variables of synapses can be read (got {name!r}); they are {', '.join(known)}"
            )
        if not is_name(name, known):
            raise SpikecudaValueError(
                f"{type(self.plasticity).__name__} has the variables {', '.join(known)} (got "
                f"{name!r}){nearest(str(name), known)}"
            )

    def set_values(self, name: str, values: object) -> None:
        """Set a variable of synapses that learn as of now; this builds the network.

        Spikes up to now have acted, those under way included.  A ``SynapseParameter`` keeps its
        values through ``net.reset()``; a ``Variable`` starts at its ``initial`` again.

        Args:
            name: of the rule's ``Variable`` or ``SynapseParameter``.
            values: in its unit, one number, or one for each synapse in the order of
                ``connections``.

        Raises:
            SpikecudaError: the synapses do not learn.
            SpikecudaTypeError, SpikecudaValueError: the rule has no such variable, or a value
                cannot be used; nothing is changed then.
        """
        if name == "weight":
            raise SpikecudaValueError(
                f"{self.name} has its weights in another place (got set_values('weight', ...)); "
                "assign projection.weights"
            )
        self._require_variable(name)
        self.handle.set_values(self, name, values)

    @property
    def params(self) -> Parameters:
        """The parameters of the rule by name, with ``w_max`` and ``w_min``, to read and to change.

        ``projection.params["tau_plus"] = 15.0`` acts from the next step on: all spikes up to now
        have acted with the old number, those under way included.  A trace has its value as of the
        last spike and decays with the new time constant from there on.  Nothing is compiled.
        ``w_max`` keeps its sign, is at most that of the build, and no weight may be outside.  See
        ``Parameters``.

        Raises:
            SpikecudaError: the projection has no rule.
        """
        return Parameters(RuleParameters(self))

    @property
    def level(self) -> float:
        """The level n of the third factor as of now, 1/ms; this builds the network.

        Assign a number of any sign: a reward that was computed, say.  It acts from now on and
        decays with the modulator's time constant; all that happened before has acted with the old
        level.  ``net.reset()`` makes it 0.  It can be set where the modulator is a source without
        spikes, ``net.source("reward", 1, SpikeTrain([]))``.

        Raises:
            SpikecudaError: the rule has no modulator, or it is one that spikes.
            SpikecudaTypeError, SpikecudaValueError: it is set to no finite number.
        """
        self._require_level()
        return self.handle.level(self)

    @level.setter
    def level(self, value: float) -> None:
        self._require_level()
        given = as_real("level", value, "1/ms")
        if not math.isfinite(given):
            raise SpikecudaValueError(
                f"level of {self.name} must be finite (got {given!r}); replace NaN and infinity"
            )
        assert self.modulator is not None
        population = self.modulator.population
        if population.neuron_spec is not None or population.train.times.size:
            raise SpikecudaError(
                f"level of {self.name} can be set where no spikes change it (got the modulator "
                f"{population.name}); connect with modulator= a source without "
                "spikes, net.source('reward', 1, SpikeTrain([]))"
            )
        self.handle.level(self, given)

    def _require_level(self) -> None:
        """Raise unless the rule has a modulator."""
        if self.modulator is None:
            raise SpikecudaError(
                f"{self.name} has no third factor, whose level could be asked for; connect it with "
                "plasticity=DopamineSTDP(...) or another rule with a Modulator"
            )

    @property
    def plastic(self) -> bool:
        """Whether the synapses learn now.

        Assign False to keep the weights as they are now, and True to let them learn again.  What
        happens in between changes no weight; traces go on.
        """
        return self._plastic

    @plastic.setter
    def plastic(self, value: bool) -> None:
        learns = as_flag("plastic", value)
        if not self.learns:
            if learns:
                raise SpikecudaError(
                    f"{self.name} has no rule that changes weights (got plastic = True); connect "
                    "it with plasticity=STDP(w_max=...)"
                )
            return
        self.handle.set_plastic(self, learns)
        self._plastic = learns

    def normalise(self, total: Any, every: float | None = None) -> None:
        """Scale weights so that those onto each target sum to ``total``.

        Each weight is multiplied by ``total`` over the sum of its target's weights as of now, and
        held within the rule's bounds.  Targets whose weights are all 0 keep them.  Sums are exact:
        the same weights for any threads, partitions and devices.

        Args:
            total: in the receptor's unit, with the sign of ``w_max``: one number, or one for each
                target.  None: no longer at intervals.
            every: ms, a multiple of dt: in later runs whenever model time is a multiple of it.
                None: now.

        Raises:
            SpikecudaError: the synapses do not learn.
            SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.

        Source: Diehl & Cook (2015) Front Comput Neurosci 9:99, section 2.3.
        """
        require_one_sign(self, "normalised")
        if total is None:
            require_alone("total", every=(every, None))
            self.handle.keep_up(self, "normalise", None, None)
            return
        period = None if every is None else as_period(every, self.dt)
        self.handle.keep_up(self, "normalise", as_normalisation(self, total), period)

    def scale_to_rate(
        self,
        rate: Any,
        every: float | None = None,
        *,
        beta: float = BETA,
        gamma: float = 0.0,
        tau: float = 0.0,
    ) -> None:
        """Scale weights at intervals, so that targets come to spike at a given rate.

        Whenever model time is a multiple of ``every``, T later than before, all weights onto a
        target are multiplied by ``1 + T (beta e + gamma E)`` and held within the rule's bounds: e
        is ``rate`` less the target's rate, and E the integral of e.  The rate is that of the last
        interval, or averaged with time constant ``tau``; ``reset`` begins anew.

        Args:
            rate: Hz, from 0 to a spike in each step: one number, or one for each target.  None: no
                longer.
            every: ms, a multiple of dt; it must be given.
            beta: per s and Hz, > 0, up to 1e100.
            gamma: per s^2 and Hz, >= 0, up to 1e100.
            tau: s, >= 0; 0: the rate is that of the last interval.

        Raises:
            SpikecudaError: the synapses do not learn.
            SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.

        Source: van Rossum, Bi & Turrigiano (2000) J Neurosci 20:8812; Turrigiano (2008) Cell
        135:422.
        """
        require_one_sign(self, "scaled")
        if rate is None:
            require_alone(
                "rate", every=(every, None), beta=(beta, BETA), gamma=(gamma, 0.0), tau=(tau, 0.0)
            )
            self.handle.keep_up(self, "scale_to_rate", None, None)
            return
        if every is None:
            raise SpikecudaValueError(
                "every must be given, ms between two changes (got None); such as every=1000.0"
            )
        scaling = as_rate_scaling(self, rate, beta, gamma, tau)
        self.handle.keep_up(self, "scale_to_rate", scaling, as_period(every, self.dt))

    def share(self, groups: Any, every: float | None = None) -> None:
        """Let synapses have weights in common, as those of a convolution that learns its kernel.

        The weights of a group become their mean now.  In later runs, whenever model time is a
        multiple of ``every``, each group's weight is what it was plus the changes of all of its
        synapses since, held within the rule's bounds.  With ``every=dt`` that is each step's
        learning with one set of weights.  Sums are exact: the same weights for any threads,
        partitions and devices.  Assigned or normalised weights become those of their groups again.

        Args:
            groups: integers, one for each synapse in the order of ``connections``: synapses with
                the same one share a weight.  None: no longer.
            every: ms, a multiple of dt; it must be given.

        Raises:
            SpikecudaError: the synapses do not learn, or weights are scaled, rewired or normalised
                at intervals, too.
            SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.

        Source: Lecun, Bottou, Bengio & Haffner (1998) Proc IEEE 86:2278, section II.A.
        """
        require_plastic(self, "shared")
        if groups is None:
            require_alone("groups", every=(every, None))
            self.handle.keep_up(self, "share", None, None)
            return
        if every is None:
            raise SpikecudaValueError(
                f"every must be given for shared weights of {self.name} (got None): how often they "
                f"are brought together; every={self.dt:g} is each step"
            )
        period = as_period(every, self.dt)
        self.handle.keep_up(self, "share", as_sharing(self, groups), period)

    def rewire(
        self,
        below: float | None,
        every: float | None = None,
        *,
        fraction: float | None = None,
        weight: float | None = None,
        indegree: Any = None,
    ) -> None:
        """Remove weak synapses, and let new ones grow onto the same targets, or more of them.

        Each new synapse comes from a random source of the projection that has none to the target
        yet; a target whose sources are used up gets fewer.  Its delay is drawn as at the build,
        within the delays that the network has.  What is drawn follows from the seed and the step.
        Spikes under way still arrive.  Synapses that are recorded cannot be rewired.

        Args:
            below: magnitude in the receptor's unit: weaker synapses are removed.  None: no longer
                at intervals, or with ``fraction`` so many.
            every: ms, a multiple of dt: in later runs whenever model time is a multiple of it.
                None: now.
            fraction: from 0 to 1: the weakest of all synapses are removed; equally weak ones in
                the order of ``connections``.
            weight: of new synapses, in the receptor's unit; None: drawn as at the build, and held
                within the rule's bounds of now.
            indegree: how many synapses each target has afterwards, as far as there are sources: one
                number, or one for each target; up to ``connect(..., max_indegree=...)``.  Where
                there are more, the weakest go.  None: as many as before.

        Raises:
            SpikecudaError: the synapses do not learn, or are recorded.
            SpikecudaTypeError, SpikecudaValueError: an argument cannot be used.

        Source: Chklovskii, Mel & Svoboda (2004) Nature 431:782; Butz & van Ooyen (2013) PLoS Comput
        Biol 9:e1003259 (``indegree``).
        """
        require_one_sign(self, "rewired")
        if all(given is None for given in (below, fraction, weight, every, indegree)):
            self.handle.keep_up(self, "rewire", None, None)
            return
        period = None if every is None else as_period(every, self.dt)
        rewiring = as_rewiring(self, below, fraction, weight, indegree)
        self.handle.keep_up(self, "rewire", rewiring, period)


def require_plastic(projection: Any, what: str) -> None:
    """Raise SpikecudaError unless a projection's synapses learn.

    Args:
        projection: whose.
        what: is to be done with its weights.
    """
    if not projection.learns:
        raise SpikecudaError(
            f"weights of {projection.name}, whose synapses do not learn, cannot be {what}; connect "
            "it with plasticity=..., or use projection.weights"
        )


def require_one_sign(projection: Any, what: str) -> None:
    """Raise SpikecudaError unless a projection's synapses learn, with weights of one sign."""
    require_plastic(projection, what)
    if projection.plasticity.crosses_zero:
        raise SpikecudaValueError(
            f"w_min must be >= 0 for weights that are {what}: those of {projection.name} are of "
            f"both signs (got w_min = {projection.plasticity.w_min:g}); change a copy of "
            "projection.weights and assign it"
        )
