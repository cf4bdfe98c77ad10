"""The only package that talks to Kaggle; it imports Kaggle's own client inside functions."""

from aicomp.kaggle.client import Sent, UncertainError, send_submission
from aicomp.kaggle.credentials import Credentials, find_credentials

__all__ = ["Credentials", "Sent", "UncertainError", "find_credentials", "send_submission"]
