"""Cables: loops, doubles, ends."""

SPANNING_TREE = "stp"
