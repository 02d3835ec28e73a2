"""What saved pools, systems and networks have in common: the file, and descriptions in it."""
