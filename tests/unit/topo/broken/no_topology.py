"""Broken on purpose: no topology."""

from mininet.topo import Topo

assert Topo
