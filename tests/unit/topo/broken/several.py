"""Broken on purpose: several."""

from mininet.topo import SingleSwitchTopo

topos = {"small": SingleSwitchTopo, "large": lambda: SingleSwitchTopo(100)}
