"""Mininet's interface over a LAN of ours:  from lan.mininet import Mininet

A script of Mininet's runs after this one import is changed: same classes, methods and printed lines,
but without root, in a bubble of its own, and with hundreds of hosts in about a second.
"""

from mininet.topo import LinearTopo, SingleSwitchReversedTopo, SingleSwitchTopo, Topo

from lan.mininet.net import Mininet
from lan.mininet.node import Intf, Link, Node

__all__ = ["Intf", "LinearTopo", "Link", "Mininet", "Node", "SingleSwitchReversedTopo", "SingleSwitchTopo", "Topo"]
