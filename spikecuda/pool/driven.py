"""Input that stays with a pool or a system from run to run."""

from collections.abc import Mapping

from spikecuda.common.arguments import same
from spikecuda.common.exclusive_use import ExclusiveUse
from spikecuda.errors import SpikecudaTypeError
from spikecuda.inputs.drive import Drive
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.inputs.stimulus import Input, as_inputs
from spikecuda.inputs.values import Adopt
from spikecuda.kernels.spec import InputSpec
from spikecuda.runtime.adjust import announce_input
from spikecuda.runtime.neuron_spec import NeuronSpec
from spikecuda.runtime.population import Population
from spikecuda.runtime.resolve_input import require_taken, resolve_input


class PoolDrives:
    """The drives of some populations, which add to the input that a run is given.

    Args:
        turn: of the pool or system.
        populations: by type.
        adopt: makes arrays in a GPU's memory ready for the device; None refuses them.
    """

    def __init__(
        self, turn: ExclusiveUse, populations: Mapping[str, Population], adopt: Adopt | None = None
    ) -> None:
        self._turn, self._populations, self._adopt = turn, populations, adopt
        self._given: list[tuple[str, Drive]] = []
        self._resolved: dict[str, tuple[NeuronSpec, tuple[Input, ...], ResolvedInput]] = {}

    @property
    def given(self) -> list[tuple[str, Drive]]:
        """The drives and the type of each, in the order in which they were added."""
        return list(self._given)

    @property
    def handles(self) -> tuple[Drive, ...]:
        """The drives."""
        return tuple(drive for _, drive in self._given)

    def add(self, name: str, value: object) -> Drive:
        """Add input of a type; see ``GPUNeuronPool.drive``."""
        with self._turn.change():
            self._populations[name].require_open()
            terms = self._checked(name, value)
            drive = Drive(self, name, terms)
            self._given.append((name, drive))
            return drive

    def change_drive(self, drive: Drive, value: object) -> None:
        """Let a drive have another input from the next step on; see ``Drive``."""
        with self._turn.change():
            name = self._name(drive)
            terms = self._checked(name, value)
            before = self._spec(name)
            old = drive.inputs
            drive.settle(terms)
            try:
                self._say(name, before)
            except BaseException:
                drive.settle(old)
                raise

    def remove_drive(self, drive: Drive) -> None:
        """Take a drive away; see ``Drive``."""
        with self._turn.change():
            name = self._name(drive)
            before = self._spec(name)
            self._given.remove((name, drive))
            drive.settle(None)
            self._say(name, before)

    def terms(self, name: str) -> tuple[Input, ...]:
        """Return the inputs of a type that stay."""
        return tuple(term for own, drive in self._given if own == name for term in drive.inputs)

    def resolve(
        self, name: str, value: object, total: int, first: int, steps: int
    ) -> ResolvedInput:
        """Return the input of a piece of a run: that of the run, and what stays.

        Args:
            name: of the type.
            value: what the run was given.
            total: steps of the run.
            first: of them, the piece's first one; ``steps``: how many it has.
        """
        neuron_spec = self._populations[name].neuron_spec
        given = (*self.terms(name), *as_inputs(value, keep=False))
        known = self._resolved.get(name)
        if known is not None and known[0] is neuron_spec and same(known[1], given):
            return known[2]
        terms = tuple(term.piece(total, first, steps) for term in given)
        found = resolve_input(neuron_spec, terms, steps, self._adopt)
        if found.given or any(term.of_one_run for term in given):
            self._resolved.pop(name, None)
        else:  # inputs do not change: what they are worked out to serves for every piece
            self._resolved[name] = neuron_spec, given, found
        return found

    def _name(self, drive: Drive) -> str:
        name = next(name for name, other in self._given if other is drive)
        self._populations[name].require_open()
        return name

    def _checked(self, name: str, value: object) -> tuple[Input, ...]:
        terms = as_inputs(value)
        if not terms:
            raise SpikecudaTypeError("a drive needs some input (got none); give a number or Input")
        neuron_spec = self._populations[name].neuron_spec
        require_taken(neuron_spec, terms)
        if not any(term.of_one_run for term in terms):
            resolve_input(neuron_spec, terms, 1, self._adopt)
        return terms

    def _spec(self, name: str) -> InputSpec | None:
        """Return the structure of a type's input; None: it depends on the run."""
        terms = self.terms(name)
        if any(term.of_one_run for term in terms):
            return None
        return resolve_input(self._populations[name].neuron_spec, terms, 1, self._adopt).spec

    def _say(self, name: str, before: InputSpec | None) -> None:
        """Say it if the input has another structure than the one that runs had."""
        after = self._spec(name)
        if before is not None and after != before and self._populations[name].runs:
            announce_input(name)
