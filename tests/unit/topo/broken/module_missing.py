"""Broken on purpose: module missing."""

import networkz

assert networkz
