"""Post-synaptic responses, and the neuron that is composed of them."""

from collections.abc import Mapping
from typing import Any

from pyNN.standardmodels import cells, receptors

from spikecuda.network import AlphaConductance, BetaConductance, ExpConductance, ExpCurrent
from spikecuda.pynn.standardmodels.base import Native, NotAvailableError, Values, same_names


@same_names
class CurrExpPostSynapticResponse(receptors.CurrExpPostSynapticResponse):
    __doc__ = receptors.CurrExpPostSynapticResponse.__doc__
    recordable = ["isyn"]

    @staticmethod
    def receptor(p: Values) -> Any:
        """Return the receptor."""
        return ExpCurrent(p["tau_syn"])


@same_names
class CondExpPostSynapticResponse(receptors.CondExpPostSynapticResponse):
    __doc__ = receptors.CondExpPostSynapticResponse.__doc__
    recordable = ["gsyn"]

    @staticmethod
    def receptor(p: Values) -> Any:
        """Return the receptor."""
        return ExpConductance(p["tau_syn"], p["e_syn"])


@same_names
class CondAlphaPostSynapticResponse(receptors.CondAlphaPostSynapticResponse):
    __doc__ = receptors.CondAlphaPostSynapticResponse.__doc__
    recordable = ["gsyn"]

    @staticmethod
    def receptor(p: Values) -> Any:
        """Return the receptor."""
        return AlphaConductance(p["tau_syn"], p["e_syn"])


@same_names
class CondBetaPostSynapticResponse(receptors.CondBetaPostSynapticResponse):
    __doc__ = receptors.CondBetaPostSynapticResponse.__doc__
    recordable = ["gsyn"]

    @staticmethod
    def receptor(p: Values) -> Any:
        """Return the receptor."""
        return BetaConductance(p["tau_rise"], p["tau_decay"], p["e_syn"])


ExpPSR = CondExpPostSynapticResponse
AlphaPSR = CondAlphaPostSynapticResponse
BetaPSR = CondBetaPostSynapticResponse


class PointNeuron(Native, cells.PointNeuron):
    """A neuron composed of ``LIF`` or ``AdExp`` and any number of post-synaptic responses.

    Args:
        neuron: the component that spikes.
        responses: by name; the names are the receptor types of projections.

    Raises:
        NotAvailableError: currents and conductances in one neuron, or AdExp with currents.
    """

    def __init__(self, neuron: Any, **responses: Any) -> None:
        cells.PointNeuron.__init__(self, neuron, **responses)
        self.ports = {name: name for name in responses}
        kinds = {psr.conductance_based for psr in responses.values()}
        if len(kinds) != 1:
            raise NotAvailableError(
                "a PointNeuron has responses that are all currents or all conductances (got "
                f"{'none' if not kinds else 'both'}); use one kind"
            )
        self._open = kinds.pop()
        self.model = "lif_cond" if self._open and neuron.model == "lif" else neuron.model
        self.scheme = neuron.scheme
        self.variables = dict(neuron.variables)
        for name, psr in responses.items():
            (variable,) = psr.recordable
            state = f"g_{name}" if self._open else f"i_{name}"
            self.variables[f"{name}.{variable}"] = (state,), 1e-3

    @property
    def translations(self) -> Mapping[str, Any]:
        """Names and units stay as they are."""
        return {name: {"type": "simple"} for name in flat(self.parameter_space)}

    def translate(self, parameters: Any, copy: bool = True) -> Any:
        """Return the parameters as they are."""
        return parameters

    @property
    def native_parameters(self) -> Any:
        """The parameters as they are."""
        return self.parameter_space

    def has_parameter(self, name: str) -> bool:
        """Tell whether a component has a parameter, such as "tau_m" or "AMPA.tau_syn"."""
        return name in self.translations

    def get_parameter_names(self) -> list[str]:
        """Return the names of the components' parameters."""
        return list(self.translations)

    def native(self, p: Values) -> dict[str, Any]:
        """Return the parameters of the neuron's model."""
        open_leaky = self._open and self.neuron.model == "lif"
        return self.neuron.leaking(p) if open_leaky else self.neuron.native(p)

    def receptors(self, p: Values) -> dict[str, Any]:
        """Return the receptors."""
        found = {}
        for name, psr in self.post_synaptic_receptors.items():
            own = {k.partition(".")[2]: v for k, v in p.items() if k.startswith(f"{name}.")}
            found[name] = psr.receptor(own)
        return found


def flat(space: Any) -> dict[str, Any]:
    """Return the values of a parameter space by name, those of components as "name.parameter"."""
    found = {}
    for name, value in space.items():
        if hasattr(value, "items"):
            found.update({
                f"{name}.{inner}": v for inner, v in value.items() if inner != "locations"
            })  # fmt: skip
        else:
            found[name] = value
    return found
