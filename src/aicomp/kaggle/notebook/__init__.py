"""Submit a notebook that predicts with a run: pack it, rehearse it here, push it, wait for it, submit its version."""
