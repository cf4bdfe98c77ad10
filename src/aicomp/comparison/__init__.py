"""Two runs side by side: settings, folds, rows, segments, how alike they are and what both together could gain."""
