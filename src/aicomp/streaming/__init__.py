"""Data larger than memory: tables are read in parts, surveyed once, and written typed for training from disk."""
