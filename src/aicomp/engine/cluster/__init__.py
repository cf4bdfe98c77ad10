"""Jobs on the nodes of a cluster: what is sent there, what is done there, and what comes back."""
