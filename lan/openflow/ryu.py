"""The only file that knows the Ryu API: OpenFlow 1.3 messages in, `fabric.py` asked, messages out.

os-ken (Ryu as OpenStack keeps it) by default; Ryu 4.34 itself when LAN_OPENFLOW_LIBRARY=ryu.  The same
code runs on both: os-ken has native threads, Ryu has eventlet.  All events of the app come in one
thread, so the fabric needs no lock.  Importing this costs a quarter of a second: see controller.py.
"""

import importlib
import os
import socket
import warnings
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from lan.openflow.fabric import Fabric
from lan.openflow.switch import LEARNING, Action, Flow, Install, Port, Remove, Send

LIBRARY = os.environ.get("LAN_OPENFLOW_LIBRARY", "os_ken")
if LIBRARY == "ryu":  # Ryu 4.34 asks eventlet for a name that eventlet has since removed
    importlib.import_module("eventlet.wsgi").__dict__.setdefault("ALREADY_HANDLED", object())
warnings.filterwarnings("ignore", message="Datapath#ports")  # we want them as they were on connecting


def _ryu(name: str) -> Any:
    return importlib.import_module(f"{LIBRARY}.{name}")


hub, handler, ofp_event = _ryu("lib.hub"), _ryu("controller.handler"), _ryu("controller.ofp_event")
hub.patch(thread=False)
app_manager, event, transport = _ryu("base.app_manager"), _ryu("controller.event"), _ryu("controller.controller")
ofproto, parser = _ryu("ofproto.ofproto_v1_3"), _ryu("ofproto.ofproto_v1_3_parser")
ofp_handler = _ryu("controller.ofp_handler")

Event: Any = event.EventBase
App: Any = getattr(app_manager, "OSKenApp", None) or app_manager.RyuApp
Handler = TypeVar("Handler", bound=Callable[..., None])
on: Callable[..., Callable[[Handler], Handler]] = handler.set_ev_cls
MAIN, DEAD = handler.MAIN_DISPATCHER, handler.DEAD_DISPATCHER
COUNT_S = 5
"""How often the counters that tell when a station was last heard are fetched."""


class Tick(Event):  # type: ignore[misc]
    """Time to fetch counters."""


class LearningSwitch(App):  # type: ignore[misc]
    """Carries messages between datapaths and the fabric."""

    OFP_VERSIONS = (ofproto.OFP_VERSION,)

    def __init__(self, *arguments: object, fabric: Fabric, clock: Callable[[], float], **contexts: object) -> None:
        super().__init__(*arguments, **contexts)
        self.fabric, self.clock = fabric, clock
        self.datapaths: dict[int, Any] = {}

    def start(self) -> None:
        super().start()
        hub.spawn(self._tick_forever)

    def _tick_forever(self) -> None:
        while True:
            hub.sleep(COUNT_S)
            self.send_event(self.name, Tick())

    @on(ofp_event.EventOFPStateChange, MAIN)
    def come(self, ev: Any) -> None:
        """The datapath has said its number and its ports; the port that stands for itself has its name."""
        datapath = ev.datapath
        names = {number: port.name.decode(errors="replace") for number, port in datapath.ports.items()}
        name = names.pop(ofproto.OFPP_LOCAL, f"{datapath.id:016x}")
        self.datapaths[datapath.id] = datapath
        self._carry_out(datapath, self.fabric.connect(datapath.id, name, names))
        datapath.send_msg(parser.OFPBarrierRequest(datapath))

    @on(ofp_event.EventOFPBarrierReply, MAIN)
    def barrier(self, ev: Any) -> None:
        self.fabric.barrier(ev.msg.datapath.id)

    @on(ofp_event.EventOFPStateChange, DEAD)
    def gone(self, ev: Any) -> None:
        """Unless it has already come again, on another connection."""
        number = ev.datapath.id
        if number in self.datapaths and self.datapaths[number] is ev.datapath:
            del self.datapaths[number]
            self.fabric.disconnect(number)

    @on(ofp_event.EventOFPPacketIn, MAIN)
    def packet_in(self, ev: Any) -> None:
        message = ev.msg
        if message.datapath.id in self.fabric.switches:
            data, in_port = bytes(message.data), message.match["in_port"]
            actions = self.fabric.receive(message.datapath.id, data, in_port, self.clock())
            self._carry_out(message.datapath, actions)

    @on(ofp_event.EventOFPFlowRemoved, MAIN)
    def flow_removed(self, ev: Any) -> None:
        message = ev.msg
        if message.datapath.id in self.fabric.switches:
            idle = message.reason == ofproto.OFPRR_IDLE_TIMEOUT
            actions = self.fabric.flow_removed(message.datapath.id, message.cookie, idle=idle, now_s=self.clock())
            self._carry_out(message.datapath, actions)

    @on(ofp_event.EventOFPPortStatus, MAIN)
    def port_status(self, ev: Any) -> None:
        datapath, port = ev.msg.datapath, ev.msg.desc
        if datapath.id not in self.fabric.switches:
            return
        if ev.msg.reason == ofproto.OFPPR_DELETE or port.state & ofproto.OFPPS_LINK_DOWN:
            actions = self.fabric.port_down(datapath.id, port.port_no)
        else:
            actions = self.fabric.port_up(datapath.id, port.port_no, port.name.decode(errors="replace"))
        self._carry_out(datapath, actions)

    @on(Tick)
    def tick(self, ev: Any) -> None:
        for datapath in self.datapaths.values():
            datapath.send_msg(parser.OFPFlowStatsRequest(datapath, table_id=LEARNING))

    @on(ofp_event.EventOFPFlowStatsReply, MAIN)
    def counters(self, ev: Any) -> None:
        packets = {flow.cookie: flow.packet_count for flow in ev.msg.body if flow.cookie}
        datapath = ev.msg.datapath
        self._carry_out(datapath, self.fabric.count(datapath.id, packets, self.clock()))

    def _carry_out(self, datapath: Any, actions: Iterable[Action]) -> None:
        for action in actions:
            datapath.send_msg(MESSAGES[type(action)](datapath, action))


def _install(datapath: Any, action: Install) -> Any:
    flow = action.flow
    return parser.OFPFlowMod(
        datapath,
        cookie=flow.cookie,
        table_id=flow.table,
        idle_timeout=flow.idle_timeout_s,
        hard_timeout=flow.hard_timeout_s,
        priority=flow.priority,
        flags=ofproto.OFPFF_SEND_FLOW_REM if flow.tell_removal else 0,
        match=_match(flow),
        instructions=_instructions(flow),
    )


def _match(flow: Flow) -> Any:
    fields = {"in_port": flow.match.in_port, "eth_src": flow.match.eth_src, "eth_dst": flow.match.eth_dst}
    return parser.OFPMatch(**{name: _masked(value) for name, value in fields.items() if value is not None})


def _masked(value: int | str) -> int | str | tuple[str, ...]:
    return tuple(value.split("/")) if isinstance(value, str) and "/" in value else value


def _instructions(flow: Flow) -> list[Any]:
    instructions = []
    if flow.output is not None:
        instructions.append(parser.OFPInstructionActions(ofproto.OFPIT_APPLY_ACTIONS, [_output(flow.output)]))
    if flow.goto is not None:
        instructions.append(parser.OFPInstructionGotoTable(flow.goto))
    return instructions


def _output(port: int | Port) -> Any:
    numbers = {Port.CONTROLLER: ofproto.OFPP_CONTROLLER, Port.FLOOD: ofproto.OFPP_FLOOD}
    return parser.OFPActionOutput(numbers[port] if isinstance(port, Port) else port, ofproto.OFPCML_NO_BUFFER)


def _remove(datapath: Any, action: Remove) -> Any:
    return parser.OFPFlowMod(
        datapath,
        command=ofproto.OFPFC_DELETE,
        table_id=ofproto.OFPTT_ALL,
        cookie=action.cookie or 0,
        cookie_mask=0 if action.cookie is None else 0xFFFF_FFFF_FFFF_FFFF,
        out_port=ofproto.OFPP_ANY,
        out_group=ofproto.OFPG_ANY,
        match=parser.OFPMatch(),
    )


def _send(datapath: Any, action: Send) -> Any:
    no_buffer, output = ofproto.OFP_NO_BUFFER, [_output(action.output)]
    return parser.OFPPacketOut(datapath, no_buffer, action.in_port, output, action.data)


MESSAGES: dict[type[Action], Callable[..., Any]] = {Install: _install, Remove: _remove, Send: _send}


def run(fabric: Fabric, listener: socket.socket, clock: Callable[[], float]) -> None:
    """Serve datapaths that connect to `listener`, for ever."""
    accepting = socket.socket(fileno=listener.detach())  # anew: with eventlet, sockets are another class now

    def accept_forever() -> None:
        while True:
            connection, address = accepting.accept()
            hub.spawn(transport.datapath_connection_factory, connection, address)

    # The library would open a socket of its own, and only now; ours has been open since the start.
    ofp_handler.OpenFlowController = lambda: accept_forever
    manager = app_manager.AppManager.get_instance()
    manager.load_apps([__name__])
    contexts = manager.create_contexts()
    hub.joinall(manager.instantiate_apps(fabric=fabric, clock=clock, **contexts))
