"""The description of a network: populations, rules, receptors, projections, input, recorders."""
