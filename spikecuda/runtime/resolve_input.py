"""Turn what a user passes as input into inputs, checked against the model and resolved."""

from collections.abc import Iterable

from spikecuda.errors import SpikecudaValueError
from spikecuda.inputs.resolved_input import ResolvedInput
from spikecuda.inputs.stimulus import Input, as_inputs
from spikecuda.inputs.values import Adopt
from spikecuda.runtime.neuron_spec import NeuronSpec


def resolve_input(
    neuron_spec: NeuronSpec, value: object, steps: int, adopt: Adopt | None = None
) -> ResolvedInput:
    """Return what drives a population in a run.

    Args:
        neuron_spec: the neurons.
        value: what ``as_inputs`` takes.
        steps: of the run.
        adopt: makes arrays in a GPU's memory ready for the device; None refuses them.

    Raises:
        SpikecudaValueError, SpikecudaTypeError: input that cannot be used, or not by this model.
    """
    inputs = as_inputs(value, keep=False, adopt=adopt)
    require_taken(neuron_spec, inputs)
    return ResolvedInput(
        inputs, neuron_spec.count, neuron_spec.dt, steps, neuron_spec.precision.real,
        neuron_spec.noise_seed, neuron_spec.identity,
    )  # fmt: skip


def require_taken(neuron_spec: NeuronSpec, inputs: Iterable[Input]) -> None:
    """Raise for input that the model's functions do not read, so that it would do nothing."""
    model, scheme = neuron_spec.model, neuron_spec.scheme
    for term in inputs:
        if term.current and not model.takes_current(scheme):
            raise SpikecudaValueError(
                f"{model.name} takes no currents (got {type(term).__name__}); drive it with "
                "Poisson, or connect it at a Delta receptor"
            )
        if not term.current and not model.takes_pulses(scheme):
            raise SpikecudaValueError(
                f"{model.name} takes no pulses (got {type(term).__name__}): none of its functions "
                f"reads the state {model.pulse}; drive it with currents"
            )
