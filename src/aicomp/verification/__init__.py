"""`aicomp verify`: a run made again from what it recorded, and compared bit by bit."""
