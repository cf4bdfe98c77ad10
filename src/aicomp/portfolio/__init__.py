"""Many models within a time limit: what is tried, in which order, and for how long."""
