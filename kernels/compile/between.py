"""States that spikes move between two steps, as in Brian2, and when what arrives is lost."""

from spikecuda.kernels.spec import KernelSpec


def pushed(spec: KernelSpec) -> dict[str, str]:
    """Return the state that moves by the name of the cells that what moves it arrives in."""
    model = spec.model
    return {r.name: model.arrivals.get(r.of, model.pulse) for r in spec.synapses if r.pushes}


def looked_back(spec: KernelSpec) -> list[str]:
    """Return the states whose threshold looks back: it sees where they were before they moved."""
    seen = spec.model.functions["threshold"].arguments
    return [s for s in dict.fromkeys(pushed(spec).values()) if f"{s}_before" in seen]


def context(spec: KernelSpec, count: str) -> dict[str, object]:
    """Return the template variables of what moves.

    What arrives is lost after a step in which the state stayed as it was, because the neuron was
    refractory, and after a reset that has set the state.

    Args:
        spec: of the kernel.
        count: the type of refractory counters.
    """
    model, states = spec.model, pushed(spec)
    guarded = {name for name, state in states.items() if spec.refractory and model.guards(state)}
    running = f"refrac > np.{count}(0)"
    deaf = {
        name: "_spike" if model.resets(state) else running if name in guarded else "False"
        for name, state in states.items()
    }
    return {
        "moved": looked_back(spec), "push_of": states, "guarded": guarded, "deaf_if": deaf,
    }  # fmt: skip
