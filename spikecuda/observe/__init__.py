"""A run seen from outside: metrics, snapshots, the live view, utilisation, progress."""
