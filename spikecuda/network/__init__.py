"""Networks: populations, projections, inputs, recorders, results."""
