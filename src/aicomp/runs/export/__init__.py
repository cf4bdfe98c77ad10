"""Runs as other programs keep them: MLflow, TensorBoard."""
