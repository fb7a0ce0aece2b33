"""lan inspect: of a device that can't be asked, the rest is told all the same."""

from typing import Any, cast

from lan.cli.verbs import inspect
from lan.control.client import RunningLan
from lan.errors import RunError


class Asked:
    """A LAN of hosts by DHCP of which one can't be read."""

    def table(self, device: str, name: str) -> dict[str, Any]:
        if device == "pc1":
            raise RunError(f"{device}: its table {name} could not be read: ")
        return {"rows": [["IPv4 address", "192.168.1.100"]]}


def test_a_device_whose_table_cannot_be_read_does_not_hide_the_others() -> None:
    devices = {name: {"dhcp": True, "address": None} for name in ("pc1", "pc2")}
    assert inspect._leased(cast(RunningLan, Asked()), devices) == {"pc2": "192.168.1.100"}
