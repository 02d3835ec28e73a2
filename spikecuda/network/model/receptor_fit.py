"""Which receptors a population may have: names that keep apart, and what its model takes."""

from collections.abc import Mapping

from spikecuda.errors import SpikecudaTypeError, SpikecudaValueError
from spikecuda.kernels.receptors import KINDS
from spikecuda.models.base import Model
from spikecuda.network.model.receptor import Receptor

# What a kernel's names for a receptor end in, besides its states and constants.
KERNEL_NAMES = ("scale", "first", "arrival", "now", "block")


def as_receptors(
    receptors: Mapping[str, Receptor] | None, model: type[Model], scheme: str, count: int
) -> dict[str, Receptor]:
    """Return checked receptors by name; the model's scheme must take what they give.

    Args:
        receptors: by name; None: none.
        model, scheme: of the population.
        count: its neurons.
    """
    if receptors is None:
        return {}
    if not isinstance(receptors, Mapping):
        raise SpikecudaTypeError(
            f"receptors must be a dict of name: Receptor (got {receptors!r:.80})"
        )
    for name, receptor in receptors.items():
        if not isinstance(name, str) or not name.isidentifier() or name.startswith("_"):
            raise SpikecudaValueError(f"a receptor's name must be an identifier (got {name!r})")
        if not isinstance(receptor, Receptor):
            raise SpikecudaTypeError(
                f"receptor {name!r} must be a Receptor such as ExpCurrent(tau=5.0) (got "
                f"{receptor!r:.80})"
            )
        receptor.require_size(name, count)
        couples = KINDS[receptor.kind].couples
        if _by_name(name, receptor, model):
            continue
        direct = couples == "conductance" and model.takes_conductance(scheme)
        if couples != "jump" and not (direct or model.takes_current(scheme)):
            raise SpikecudaValueError(
                f"receptor {name!r} gives {model.name} a {couples}, and {model.name} takes no "
                f"currents (got {type(receptor).__name__}); use Delta()"
            )
        if couples == "jump" and not model.takes_pulses(scheme):
            raise SpikecudaValueError(
                f"receptor {name!r} moves {model.pulse}, which no function of {model.name} reads "
                f"(got {type(receptor).__name__}); use a current"
            )
        if receptor.positive and "v" not in model.states:
            raise SpikecudaValueError(
                f"receptor {name!r} is a conductance and needs a model with a membrane potential v "
                f"(got {model.name}, with {', '.join(model.states)}); use a current"
            )
    for name in (*model.named_receptors, *model.arrivals):
        if name not in receptors:
            raise SpikecudaValueError(
                f"{model.name} tells the receptor {name!r} from others and must be given it (got "
                f"{', '.join(map(repr, receptors)) or 'none'}); receptors={{{name!r}: ...}}"
            )
    _require_own_names(receptors, model)
    return dict(receptors)


def _by_name(name: str, receptor: Receptor, model: type[Model]) -> bool:
    """Tell whether a model takes what a receptor gives by its name.

    Raises:
        SpikecudaValueError: it gives something else.
    """
    couples = KINDS[receptor.kind].couples
    if name in model.arrivals:
        if couples != "jump":
            raise SpikecudaValueError(
                f"receptor {name!r} adds to the state {model.arrivals[name]} of {model.name} and "
                f"must be Delta() (got {type(receptor).__name__})"
            )
        return True
    wanted = [n for n in model.inputs if n[2:] == name]
    for taken in wanted:
        fits = couples == "conductance" or (couples == "current" and taken.startswith("i_"))
        if not fits:
            kind = "current or conductance" if taken.startswith("i_") else "conductance"
            raise SpikecudaValueError(
                f"receptor {name!r} gives {model.name} its {taken} and must be a {kind} (got "
                f"{type(receptor).__name__}); use Exp{kind.split()[-1].capitalize()}"
            )
    if wanted and receptor.positive and "v" not in model.states:
        raise SpikecudaValueError(
            f"receptor {name!r} is a conductance and needs a model with a membrane potential v "
            f"(got {model.name}, with {', '.join(model.states)}); use a current"
        )
    return bool(wanted)


def _require_own_names(receptors: Mapping[str, Receptor], model: type[Model]) -> None:
    """Raise if two states, or two names in a kernel, would be the same."""
    specs = [receptor.spec(name) for name, receptor in receptors.items()]
    public = [*model.states, "refrac"]
    public += [f"{part}_{spec.name}" for spec in specs for part in spec.rules.states]
    kernel = [
        spec.prefix + part
        for spec in specs
        for part in (*spec.rules.states, *spec.rules.constants, *KERNEL_NAMES)
    ]
    for names in (public, kernel):
        twice = sorted({name for name in names if names.count(name) > 1})
        if twice:
            raise SpikecudaValueError(
                f"receptors must have names that keep their states apart (got {twice[0]!r} twice); "
                "rename one"
            )
