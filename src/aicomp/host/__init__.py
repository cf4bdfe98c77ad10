"""A competition server that speaks Kaggle's protocol: the official `kaggle` program works with it unmodified."""
