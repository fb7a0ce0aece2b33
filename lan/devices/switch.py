"""A layer-2 switch.  IEEE 802.1D: learns who is where, floods what it does not know."""

from lan.devices.base import Host, Service, Table
from lan.devices.options import option


class Switch(Host):
    """An L2 switch: Open vSwitch with an OpenFlow controller, or the kernel's bridge."""

    kind, icon, is_switch = "switch", "switch", True

    switch: str | None = option(None, choices=("ovs", "bridge"), help="by default what this machine has")
    ageing_s: int = option(300, low=1, high=1_000_000, help="how long a silent station is remembered (802.1Q §8.8.3)")

    def services(self) -> list[Service]:
        """None of its own: one controller serves all switches of a LAN."""
        return []

    def tables(self) -> dict[str, Table]:
        """The MAC address table, beside what the kernel knows."""
        return super().tables() | {"mac": Table("lan.openflow.show", [self.name], in_bubble=True)}
