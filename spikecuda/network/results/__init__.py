"""What a run of a network recorded."""
