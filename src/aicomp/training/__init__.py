"""Training: from the encoded rows of one fold to predictions; see `fit.fit_fold`."""
