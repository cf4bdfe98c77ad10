"""Pages for people that load nothing from anywhere, and the drawings in them."""
