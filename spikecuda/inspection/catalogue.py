"""The update kernels that are inspected: of the first models every scheme and precision.

Of the models that came later those that have code of their own, in float32.
"""

from collections.abc import Iterator

from spikecuda.kernels.spec import (
    COURSE,
    EVENTS,
    GATED,
    NEURON,
    PRECISIONS,
    ROWS,
    InputSpec,
    KernelSpec,
)

VARIANTS = {
    "bias": InputSpec(bias=NEURON),
    "noise": InputSpec(bias=NEURON, noises=(NEURON,)),
    "poisson": InputSpec(bias=NEURON, pulses=(("shared", NEURON),)),
    "poisson each": InputSpec(bias=NEURON, pulses=((NEURON, NEURON),)),
    "noise for a time": InputSpec(bias=NEURON, noises=(GATED,)),
    "poisson over time": InputSpec(bias=NEURON, pulses=((COURSE, NEURON),)),
    "poisson each over time": InputSpec(bias=NEURON, pulses=((ROWS, NEURON),)),
    "trains": InputSpec(bias=NEURON, pulses=((EVENTS, NEURON),)),
}
MODELS = ("lif", "adex", "izhikevich")
LATER = (
    ("lif_cond", None), ("eif", None), ("eif", "heun"), ("eif", "upstroke"), ("qif", None),
    ("hh_traub", None), ("glif3", "mean_current"), ("glif5", None),
)  # fmt: skip


def spec(
    model: str, precision: str, scheme: str | None = None, variant: str = "bias"
) -> KernelSpec:
    """Return the spec of a model's plain kernel: shared parameters and one bias per neuron.

    Args:
        model: name of a model.
        precision: float16, float32 or float64.
        scheme: name of an integration scheme; None is the model's default.
        variant: input: one of ``VARIANTS``.

    Raises:
        SpikecudaValueError: an unknown name.
    """
    from spikecuda.common.precision import as_precision
    from spikecuda.errors import SpikecudaValueError, nearest
    from spikecuda.models.registry import find

    cls = find(model)
    scheme = cls.check_scheme(scheme)
    if variant not in VARIANTS:
        raise SpikecudaValueError(
            f"variant must be one of {', '.join(VARIANTS)} (got {variant!r})"
            f"{nearest(variant, list(VARIANTS))}"
        )
    return KernelSpec(
        cls, as_precision(precision), scheme, refractory=cls.refractory, inputs=VARIANTS[variant]
    )


def built_in(variant: str = "bias") -> Iterator[KernelSpec]:
    """Yield the kernels of ``MODELS``, in every scheme and precision."""
    from spikecuda.models.registry import find

    for model in MODELS:
        for scheme in find(model).schemes:
            for precision in PRECISIONS:
                yield spec(model, precision, scheme, variant)


def later() -> Iterator[KernelSpec]:
    """Yield the kernels of ``LATER``, in float32; None is the default scheme."""
    for model, scheme in LATER:
        yield spec(model, "float32", scheme)
