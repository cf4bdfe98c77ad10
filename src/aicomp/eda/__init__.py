"""What a project's data is like: computed as plain numbers, drawn, and put on one page."""
