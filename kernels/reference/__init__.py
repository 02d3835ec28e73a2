"""Independent oracles: each model and the random input, written from the papers as plain loops.

Nothing here may import ``kernels.models``, ``kernels.numerics`` or the templates: a test compares
what they produce with what these files produce.  All arithmetic is float64.

Time: a grid of ``dt`` ms; a spike in step k (0-based) happens at ``(k + 1) * dt``.  Order of a step:
integrate with the step's current, held constant -> refractory clamp -> input pulse -> threshold ->
reset.  A step of ``substeps`` parts tests the threshold after each; the pulse arrives in the last
part; after a spike the rest of the step is clamped where there is a refractory period.

Each module has two functions:

``simulate(state, params, current, pulses, dt, scheme, substeps)`` returns ``(spikes, traces)``:
spikes (steps, n) bool; traces (steps, n) arrays, the state after each step under its name plus
``tested``, the value that the last threshold test of the step saw (NaN if there was none), and
``margin``, the smallest ``|tested - threshold|`` of the step (infinite if there was none).

``step(state, params, current, pulse, dt, scheme, substeps)`` is one step of the same from an
arbitrary state, with (n,) arrays.
"""
