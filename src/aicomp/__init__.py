"""`aicomp`: from a competition's name to a validated submission."""

__version__ = "0.1.0"
