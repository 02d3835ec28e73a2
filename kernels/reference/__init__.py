"""Independent oracles: each model and the random input, written from the papers as plain loops.

Nothing here may import ``kernels.models``, ``kernels.numerics`` or the templates: a test compares
what they produce with what these files produce.  All arithmetic is float64.

Time: a grid of ``dt`` ms; a spike in step k (from 0) is at ``(k + 1) * dt``.  Order of a step:
integrate with the step's current, held constant -> refractory clamp -> input pulse -> threshold ->
reset.  A step of ``substeps`` parts tests the threshold after each; the pulse arrives in the last
part; after a spike the rest of the step is clamped where there is a refractory period (``loop``
also has neurons that are frozen or silent instead).

Each module has one or two functions:

``simulate(state, params, current, pulses, dt, scheme, substeps)`` returns ``(spikes, traces)``:
spikes (steps, n) bool; traces, a dict: each state and ``refrac`` after each step, (steps, n); and
for each part of each step, (steps, substeps, n): ``before_<state>``, the state before integration;
``tested``, the value that the threshold test saw (NaN where refractory); ``fired``, whether it
spiked.

``step(state, params, current, pulse, dt, scheme, substeps)`` is one step of the same from an
arbitrary state, with (n,) arrays.

Networks have oracles of their own (``network``), and so have plastic synapses: ``plasticity`` runs
one synapse whose spikes are known, with a rule of ``plasticity_rules`` or any other of plain
functions; ``plastic_network`` runs a network with such synapses.
"""
