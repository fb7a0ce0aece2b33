"""How long a switch remembers a silent station (IEEE 802.1Q §8.8.3), as each kind of switch is told it.

The kernel's bridge takes it with its making, and anew at any time.  Open vSwitch's flows age by what
the controller finds in a file when the switch connects to it.
"""

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from lan.engine.bubble import HOME
from lan.errors import UsageError
from lan.topo.spec import Device

OPTION = "ageing_s"
DEFAULT_S = 300
FILE = HOME / "ageing.json"
LONGEST_FLOW_S = 0xFFFF
"""OpenFlow's idle timeout has sixteen bits."""


def of(device: Device) -> int:
    """The switch's ageing time in seconds."""
    return int(device.options.get(OPTION) or DEFAULT_S)


def tell_controller(switches: Iterable[Device], file: Path = FILE) -> None:
    """Write down the times of all Open vSwitches of a LAN.  Raises UsageError for one that no flow can have."""
    times = {}
    for device in switches:
        times[device.name] = of(device)
        if of(device) > LONGEST_FLOW_S:
            raise UsageError(
                f"{device.name}: Open vSwitch can't remember a silent station for {of(device)} s",
                where=device.where,
                expected=f"{OPTION} up to {LONGEST_FLOW_S}",
                todo="a shorter time; or switch='bridge' for this switch",
            )
    beside = file.with_name(f"{file.name}.new")
    beside.write_text(json.dumps(times))
    beside.replace(file)  # the controller may be reading it for a switch that connects


def check_change(name: str, changes: Mapping[str, Any], *, is_ovs: bool) -> None:
    """Refuse what `lan set` can't change of a switch while it forwards.  Raises UsageError."""
    if is_ovs and OPTION in changes:
        raise UsageError(
            f"{name}: Open vSwitch takes its {OPTION} when the LAN comes up",
            todo=f"write {OPTION}={changes[OPTION]} for it in the topology file, then lan down and up",
        )
