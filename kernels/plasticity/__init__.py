"""The functions of the built-in synapse rules, in the language of models."""
