"""Kaggle's machines as an engine: a project pushed as a notebook that trains, waited for, and its runs brought back."""
