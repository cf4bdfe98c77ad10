"""The host's web pages: rendered on the server, complete without JavaScript, nothing loaded from anywhere else."""
