"""Runs outside this machine: in a folder, or in any store that fsspec knows."""
