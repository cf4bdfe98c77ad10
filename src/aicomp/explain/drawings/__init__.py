"""Drawings of what the columns of a run are to its models."""
