"""All switches of one LAN under one controller: who is connected, who is ready, what changed.

Pure but for what its owner hands in: `log` takes each decision, `changed` is called when a table may
have changed, `ready` when every expected datapath forwards.  `ryu.py` calls, `controller.py` owns.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from lan.openflow.mac_table import AGE_S
from lan.openflow.switch import Action, Note, Switch

Log = Callable[[str, Note], None]


@dataclass(slots=True)
class Fabric:
    """`datapaths` is how many must be there before the LAN is ready."""

    log: Log
    changed: Callable[[], None]
    ready: Callable[[int], None]
    datapaths: int = 1
    age_of: Callable[[str], int] = lambda _: AGE_S
    """A switch's ageing time in seconds, by its name: asked when it connects."""
    switches: dict[int, Switch] = field(default_factory=dict)
    prepared: set[int] = field(default_factory=set)

    def connect(self, datapath: int, name: str, ports: Mapping[int, str]) -> list[Action]:
        """A datapath said who it is; it is ready once `barrier` is called for these actions."""
        switch = self.switches.setdefault(datapath, Switch(name, age_s=self.age_of(name)))
        return self._pass_on(switch, switch.connect(ports))

    def barrier(self, datapath: int) -> None:
        """The flows of `connect` are in place."""
        if datapath not in self.prepared:
            self.prepared.add(datapath)
            if len(self.prepared) >= self.datapaths:
                self.ready(len(self.prepared))

    def disconnect(self, datapath: int) -> None:
        """The datapath went away; its flows go on working, and its table stays to be looked at."""
        self.prepared.discard(datapath)

    def receive(self, datapath: int, data: bytes, in_port: int, now_s: float) -> list[Action]:
        switch = self.switches[datapath]
        return self._pass_on(switch, switch.receive(data, in_port, now_s))

    def flow_removed(self, datapath: int, cookie: int, *, idle: bool, now_s: float) -> list[Action]:
        switch = self.switches[datapath]
        return self._pass_on(switch, switch.flow_removed(cookie, idle=idle, now_s=now_s))

    def port_up(self, datapath: int, port: int, name: str) -> list[Action]:
        switch = self.switches[datapath]
        return self._pass_on(switch, switch.port_up(port, name))

    def port_down(self, datapath: int, port: int) -> list[Action]:
        switch = self.switches[datapath]
        return self._pass_on(switch, switch.port_down(port))

    def count(self, datapath: int, packets: Mapping[int, int], now_s: float) -> list[Action]:
        switch = self.switches[datapath]
        return self._pass_on(switch, switch.count(packets, now_s))

    def _pass_on(self, switch: Switch, actions: list[Action]) -> list[Action]:
        """Log the notes; what remains is for the datapath."""
        self.changed()
        for action in actions:
            if isinstance(action, Note):
                self.log(switch.name, action)
        return [action for action in actions if not isinstance(action, Note)]
