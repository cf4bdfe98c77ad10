"""Drawings of what `aicomp.eda` computes: each says in words what there is to see."""
