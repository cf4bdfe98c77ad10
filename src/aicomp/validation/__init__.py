"""What can be wrong with a validation: leaks, twins, splits that do not mirror the hidden test, labels, noise."""
