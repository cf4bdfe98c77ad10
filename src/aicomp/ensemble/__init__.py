"""Several runs as one: averages, hill climbing, stacking, and the honest score of each."""
