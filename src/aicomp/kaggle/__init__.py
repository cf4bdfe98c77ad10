"""The only package that talks to Kaggle; it imports Kaggle's own client inside functions."""

from aicomp.kaggle.credentials import Credentials, find_credentials

__all__ = ["Credentials", "find_credentials"]
