"""Masking at the wire: what a statement could show, and what of its answer is hidden."""
