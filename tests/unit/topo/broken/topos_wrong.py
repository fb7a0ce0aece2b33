"""Broken on purpose: topos wrong."""

topos = {"office": "Office"}
