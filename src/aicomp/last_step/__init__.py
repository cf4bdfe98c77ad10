"""The last step of a run: from what its models predict to what is submitted, fitted on out-of-fold predictions."""
