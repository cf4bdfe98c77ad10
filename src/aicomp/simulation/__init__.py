"""Simulations: an environment instead of files, an agent instead of predictions."""
