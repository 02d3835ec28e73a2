"""The scalar steps of the built-in models, one file a model, in the model language."""
