"""A validated population, its state on devices, and how it is advanced window by window."""
