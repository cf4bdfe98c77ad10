"""Keras 3 on the backend that a project names: chosen in the process that trains, and nowhere else."""

import os
import sys
from importlib import import_module
from importlib.util import find_spec
from typing import Any

from aicomp.errors import UsageError
from aicomp.suggest import unknown_name

BACKENDS = {"torch": "torch", "tensorflow": "tensorflow-cpu", "jax": "jax"}
"""What Keras can compute with, and the package that brings it along."""


def load_keras(backend: str, threads: int = 1) -> Any:
    """Import Keras with a backend.

    Keras reads `KERAS_BACKEND` once, when it is imported; it is set here, for this process alone.

    Args:
        backend: A name of `BACKENDS`.
        threads: Threads that the backend may use; torch has been told already.

    Returns:
        The module `keras`.

    Raises:
        UsageError: No such backend, it or Keras is not installed, or Keras runs with another one here.
    """
    if backend not in BACKENDS:
        raise unknown_name("backend", backend, list(BACKENDS))
    if find_spec("keras") is None:
        raise UsageError("the package `keras` is not installed", "run `pip install 'aicomp[keras]'`")
    if find_spec(backend) is None:
        raise UsageError(
            f"the backend `{backend}` of Keras is not installed",
            f"run `pip install {BACKENDS[backend]}` (TensorFlow in an environment of its own), or write "
            '`--set model.params.backend="torch"`',
        )
    if "keras" not in sys.modules:
        os.environ["KERAS_BACKEND"] = backend
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # its warnings about the processor say nothing here
        os.environ["TF_NUM_INTRAOP_THREADS"] = os.environ["TF_NUM_INTEROP_THREADS"] = str(threads)
    keras = import_module("keras")
    running = keras.backend.backend()
    if running != backend:
        raise UsageError(
            f"Keras runs with `{running}` in this process already, and `{backend}` is asked for",
            "train in processes of their own: leave `workers = 0` out",
        )
    return keras
