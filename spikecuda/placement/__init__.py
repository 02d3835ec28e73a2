"""Which device holds which neurons of a system: shares of types, balance, measured cost."""
