"""A validated population, its state on devices, and how it goes through time in windows."""
