"""The report: how fast and how accurately the models run on this machine."""
