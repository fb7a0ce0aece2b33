"""Broken on purpose: gives none."""

topos = {"office": lambda: None}
