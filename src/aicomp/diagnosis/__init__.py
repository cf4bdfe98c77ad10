"""What a run's out-of-fold predictions say about where it is wrong; no model is asked anything."""
