"""Observing runs: metrics, snapshots, the live view, utilisation, progress."""
