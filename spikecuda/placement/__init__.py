"""Where the neurons of a system go: shares of types, balance over devices, measured cost."""
