"""Settings of a model tuned by cross-validation; needs the extra `tune`."""
