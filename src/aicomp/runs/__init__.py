"""All runs of a project together: what is known of each, at a glance, and what is done with many of them."""
