"""Runs of predictions that come from elsewhere: another framework, a notebook, a blend."""
