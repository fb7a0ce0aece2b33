"""A LAN made real: built from its description, and what comes and goes while it runs.  The bubble's PID 1 owns it.

The order is chosen so that the slow starts (Open vSwitch, the OpenFlow library, the certificates)
pass beside each other and beside the making of namespaces.
"""

import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from lan.devices.base import Service
from lan.devices.kinds import model_of
from lan.devices.web_server import CERTIFICATE, KEY
from lan.engine import ageing, closing, decisions, environment, greeting, house, openvswitch, programs, services, space
from lan.engine.bubble import HOME
from lan.engine.cables import Cables, Carrying
from lan.engine.fabric import Dress, Fabric
from lan.engine.openvswitch import BridgePlan, OpenVswitch
from lan.engine.options import Options
from lan.engine.services import Running
from lan.engine.space import Identity, Space
from lan.errors import UsageError
from lan.topo.spec import Device, Lan, Link, Port, mac_address

PKI = HOME / "pki"
MAC_TABLES = HOME / "mac.json"
AUTHORITY = "authority.pem"
CONTROLLER = "127.0.0.1:6653"
LEASE_DEADLINE_S = 10.0
"""How long `up` waits for services that a LAN can do without, such as a DHCP client's first lease."""
WARM = frozenset({"lan.services.http.fetch", "lan.services.icmp"})
"""Programs of hosts that a scenario starts again and again."""
MOST_BRIDGE_PORTS = 1023
"""BR_MAX_PORTS of the kernel, less the one that it keeps."""
Progress = Callable[[str], None]


class LiveLan:
    """One LAN in its bubble.  Every method is called in the bubble's PID 1, one at a time."""

    def __init__(self, lan: Lan, options: Options) -> None:
        self.options = options
        self.adopt(lan)
        self.spaces: dict[str, Space] = {}
        self.running: list[Running] = []
        self.vital: dict[int, str] = {}
        self.lost: list[str] = []
        self.datapath = ""
        self.ovs_switches = [name for name in self._switches() if self._is_ovs(name)]
        self.fabric = Fabric(offload=options.offload)
        self.decisions = options.state / decisions.FILE
        carrying = Carrying(options.state / "devices/links", self.decisions, lambda: self._environment(None))
        self.cables = Cables(self.fabric, carrying, self, options.link)
        self._ovs: OpenVswitch | None = None
        self._etc: dict[str, dict[str, str]] = {}
        self._dpids = self._number_switches()
        self._of_ports: dict[str, int] = {}
        self._of_port: dict[Port, int] = {}

    # ---- building

    def build(self, progress: Progress, cabled: Callable[[], None]) -> list[str]:
        """Make everything.  `cabled` is called once cables lie and nothing has been sent yet.

        Returns what is worth telling: services that take their time.  Raises LanError.
        """
        decisions.describe(self.options.state, self.lan.as_json())
        certificates = self._start_certificates()
        controller = self._start_switches()
        progress("switches started")
        if served := {service.module for model in self.models.values() for service in model.services()}:
            programs.preload(served | WARM)
        bridges = [device for device in self.lan.switches if device.name not in self.ovs_switches]
        self._check_bridges(bridges)
        self.fabric.add_hosts(device.name for device in self.lan.hosts)
        self.fabric.add_bridges(bridges, {device.name: mac_address(device.name, "bridge") for device in bridges})
        self.fabric.number(self.lan.links)
        self.cables.begin(self.lan.links)
        cabled()
        self._lay_cables()
        for device in self.lan.hosts:
            self._dress(device.name)
        progress("namespaces and cables")
        if self._ovs is not None:
            self._ovs.finish()
        self.cables.settle()
        self.cables.wait_carrying(self.lan.links)
        progress("switch ports")
        self._finish_certificates(certificates)
        progress("certificates")
        started = self._start_services(0)
        progress("devices")
        services.wait_ready(started)
        progress("servers ready")
        greeting.wait_ready(controller, self._ovs.wake if self._ovs else None)
        progress("controller ready")
        late = services.wait_ready(self._start_services(1), LEASE_DEADLINE_S)
        progress("clients ready")
        return [f"{running.device}: {running.service.name} is not ready yet" for running in late] + [
            f"{running.device}: {running.service.name} ended: {running.tail()}"
            for running in self.running
            if running.state == "ended"
        ]

    def adopt(self, lan: Lan) -> None:
        """From now on the LAN is as this describes it."""
        self.lan = lan
        self.models = {name: model_of(device, self.lan) for name, device in self.lan.devices.items()}

    def _switches(self) -> list[str]:
        return [device.name for device in self.lan.switches]

    def _is_ovs(self, name: str) -> bool:
        wanted = self.options.switch or self.lan.devices[name].options.get("switch")
        if wanted == "ovs":
            openvswitch.require(None)
        return wanted == "ovs" or (wanted is None and openvswitch.installed())

    def _check_bridges(self, bridges: list[Device]) -> None:
        for device in bridges:
            if (count := len(self.lan.ports(device.name))) > MOST_BRIDGE_PORTS:
                raise UsageError(
                    f"{device.name}: the kernel's bridge has at most {MOST_BRIDGE_PORTS} ports, not {count}",
                    where=device.where,
                    todo="--switch ovs, or several switches: linear:4,1000",
                )

    def _number_switches(self) -> dict[str, int]:
        """Datapath ids: the digits of the names as Mininet takes them, or the order."""
        names = self._switches()
        digits = ["".join(char for char in name if char.isdigit()) for name in names]
        if all(digits) and len({int(number) for number in digits}) == len(names) and "0" not in digits:
            return {name: int(number) for name, number in zip(names, digits, strict=True)}
        return {name: number for number, name in enumerate(names, 1)}

    def _start_certificates(self) -> Running | None:
        wanted = {
            name: {"names": model.certificate_names(), "ips": [model.address] if model.address else []}
            for name, model in self.models.items()
            if model.certificate_names()
        }
        PKI.mkdir(mode=0o700)
        if not wanted:
            (PKI / AUTHORITY).write_text("")
            return None
        (PKI / "request.json").write_text(json.dumps(wanted))
        return self._start_own("authority", Service("lan.engine.pki", [self.lan.name, str(PKI)]))

    def _start_own(self, name: str, service: Service) -> Running:
        """Start a helper of the LAN's own in the bubble, on no device."""
        folder = self.options.state / "devices" / name
        folder.mkdir(parents=True, exist_ok=True)
        return services.start(
            name,
            service,
            None,
            run_folder=HOME / "own",
            state_folder=folder,
            environment=self._environment(None),
            decisions=self.decisions,
        )

    def _start_switches(self) -> Running | None:
        if not self.ovs_switches:
            return None
        self.datapath = openvswitch.require(self.options.datapath)
        ageing.tell_controller(self.lan.devices[name] for name in self.ovs_switches)
        arguments = ["--listen", CONTROLLER, "--datapaths", str(len(self.ovs_switches)), "--tables", str(MAC_TABLES)]
        arguments += ["--ages", str(ageing.FILE)]
        controller = self._start_own("controller", Service("lan.openflow.controller", arguments))
        self.running.append(controller)
        self._ovs = OpenVswitch(self.datapath)
        self._ovs.begin()
        return controller

    def _lay_cables(self) -> None:
        """All cables, and then Open vSwitch gets its ends at once: it plugs them in while hosts are dressed.

        Each change of an interface has it look through all that it has, several requests to the kernel
        an interface, so it gets them when nothing about them changes any more.
        """
        if self._ovs is not None:
            self.vital |= dict.fromkeys(self._ovs.started(), "Open vSwitch")
            plans = [BridgePlan(name, self._dpids[name], mac_address(name, "bridge")) for name in self.ovs_switches]
            self._ovs.add_bridges(plans, f"tcp:{CONTROLLER}")
        self.cables.lay(self.lan.links)
        if self._ovs is not None:
            for name in self.ovs_switches:
                ports = self.lan.ports(name)
                self._of_ports[name] = len(ports)
                self._of_port |= {port: number for number, port in enumerate(ports, 1)}
            self._ovs.begin_ports([(port.device, port.interface, at) for port, at in self._of_port.items()])

    def _finish_certificates(self, maker: Running | None) -> None:
        if maker is not None:
            services.wait_ready([maker])
            os.close(maker.ready)
        for name in self.models:
            if (PKI / f"{name}.key.pem").is_file():
                self._etc[name] = {
                    CERTIFICATE.removeprefix("/etc/"): (PKI / f"{name}.certificate.pem").read_text(),
                    KEY.removeprefix("/etc/"): (PKI / f"{name}.key.pem").read_text(),
                }

    def _dress(self, name: str) -> None:
        model = self.models[name]
        direct = model.defaultRoute if model.defaultRoute and "via" not in model.defaultRoute else None
        settings = {key: str(value) for key, value in model.sysctls.items()}
        clothes = Dress(model.static_ip, model.default_router, direct, settings, model.more_addresses)
        self.fabric.dress(name, model.ports, clothes)

    # ---- devices and their services

    def space_of(self, name: str) -> Space:
        """The device's namespaces; made now if it had none but its network."""
        if name not in self.spaces:
            if not house.DEVICES.is_dir():
                addresses = {name: model.address for name, model in self.models.items() if model.address}
                house.prepare(addresses, (PKI / AUTHORITY).read_text())
            model = self.models[name]
            folder = self.state_folder(name)
            etc = dict(self._etc.get(name, {}))
            etc["resolv.conf"] = f"nameserver {model.dns}\n" if model.dns and not model.dhcp else ""
            network = self.fabric.namespaces.get(name, self.fabric.home)
            self.spaces[name] = space.make(network, Identity(name, model.address, str(folder), etc))
        return self.spaces[name]

    def state_folder(self, name: str) -> Path:
        """Where the device's lasting files lie, outside the bubble."""
        folder = self.options.state / "devices" / name
        folder.mkdir(parents=True, exist_ok=True)
        if self.options.key_log:
            (folder / environment.KEY_LOG).touch(mode=0o600)
        return folder

    def _environment(self, name: str | None) -> dict[str, str]:
        own = {} if name is None else {key: str(value) for key, value in self.models[name].env.items()}
        is_logged = self.options.key_log and name is not None
        return environment.of_device(name or "lan", self.options.terminal or {}, own, key_log=is_logged)

    def environment_of(self, name: str) -> dict[str, str]:
        """The variables that a program on the device starts with."""
        return self._environment(name)

    def _start_services(self, stage: int) -> list[Running]:
        started = [
            self.start_service(name, service)
            for name, model in self.models.items()
            for service in model.services()
            if service.stage == stage
        ]
        return [running for running in started if running.service.needed or stage]

    def start_service(self, name: str, service: Service) -> Running:
        """Start one service on its device."""
        there = self.space_of(name)
        running = services.start(
            name,
            service,
            there,
            run_folder=house.DEVICES / name / "run",
            state_folder=self.state_folder(name),
            environment=self._environment(name),
        )
        self.running = [*services.without(self.running, name, {service.name}), running]
        return running

    def services_of(self, name: str) -> list[Running]:
        """The device's services, as they are."""
        found = [running for running in self.running if running.device == name]
        for running in found:
            running.hear()
        return found

    def stop_services(self, name: str) -> list[str]:
        """Stop what the device serves; returns the names."""
        stopped = []
        for running in self.services_of(name):
            if running.state != "ended":
                services.end(running)
                stopped.append(running.service.name)
        return stopped

    def start_services(self, name: str) -> list[str]:
        """Start what the device should serve and does not."""
        alive = {running.service.name for running in self.services_of(name) if running.state != "ended"}
        wanted = [service for service in self.models[name].services() if service.name not in alive]
        services.wait_ready([self.start_service(name, service) for service in wanted], LEASE_DEADLINE_S)
        return [service.name for service in wanted]

    def drop_services(self, name: str, names: set[str]) -> None:
        """Stop these services of a device, and forget them."""
        for running in self.services_of(name):
            if running.service.name in names and running.state != "ended":
                services.end(running)
        self.running = services.without(self.running, name, names)

    def ended(self, pid: int, status: int) -> None:
        """A child has ended: note it where it was a service."""
        if (what := self.vital.pop(pid, None)) is not None:
            self.lost.append(what)
        if self.cables.ended(pid):
            self.lost.append("the process that carries frames on cables with options")
        for running in self.running:
            if running.pid == pid:
                running.state, running.code = "ended", os.waitstatus_to_exitcode(status)

    def end(self) -> None:
        """Before the bubble ends: end what would take long to die by itself."""
        carrier = self.cables.process
        closing.end(*self.vital, *([] if carrier is None else [carrier]))

    # ---- cables

    def links_between(self, a: str, b: str) -> list[Link]:
        """The cables between two devices.  Raises UsageError where there is none."""
        found = [link for link in self.lan.links if {link.a.device, link.b.device} == {a, b}]
        if not found:
            raise UsageError(f"no cable lies between {a} and {b}", todo="lan graph shows the cables")
        return found

    def release_port(self, port: Port) -> None:
        """Have a switch let go of a port, see `cables.Switches`."""
        if port.device in self.ovs_switches and self._ovs is not None:
            self._ovs.remove_ports(port.device, [port.interface])

    def take_port(self, port: Port) -> None:
        """Have a switch take a port under its number."""
        if port.device in self.ovs_switches and self._ovs is not None:
            self._ovs.begin_ports([(port.device, port.interface, self._of_port[port])])
            self._ovs.finish()

    def plug(self, link: Link, cabled: Callable[[Link], None]) -> None:
        """Lay one more cable while the LAN runs."""
        self.cables.lay([link])
        self.cables.settle()
        self.adopt(replace(self.lan, links=(*self.lan.links, link)))
        cabled(link)
        for port in (link.a, link.b):
            if port.device in self.ovs_switches and self._ovs is not None:
                self._of_ports[port.device] = self._of_ports.get(port.device, 0) + 1
                self._of_port[port] = self._of_ports[port.device]
                self.take_port(port)
            elif port.device in self.fabric.namespaces:
                if self.models[port.device].ports == [port]:
                    self._dress(port.device)
                else:
                    self.fabric.bring_up(port)
        self.cables.wait_carrying([link])

    def unplug(self, link: Link) -> None:
        """Take a cable away for good."""
        for port in (link.a, link.b):
            self.release_port(port)
        self.cables.remove(link)
        self.adopt(replace(self.lan, links=tuple(other for other in self.lan.links if other != link)))

    # ---- devices that come and go

    def add_device(self, device: Device) -> None:
        """One more device while the LAN runs; its cables come by `plug`."""
        grown = replace(self.lan, devices={**self.lan.devices, device.name: device})
        mac = mac_address(device.name, "bridge")
        if not device.is_switch:
            self.fabric.add_hosts([device.name])
        elif self._ovs is not None and device.options.get("switch") != "bridge":
            ageing.tell_controller([*(self.lan.devices[name] for name in self.ovs_switches), device])
            self._dpids[device.name] = max(self._dpids.values(), default=0) + 1
            self._ovs.add_bridges([BridgePlan(device.name, self._dpids[device.name], mac)], f"tcp:{CONTROLLER}")
            self.ovs_switches.append(device.name)
        elif device.options.get("switch") == "ovs":
            raise UsageError(f"{device.name}: this LAN runs no Open vSwitch", expected="switch='bridge', as its others")
        else:
            self.fabric.add_bridges([device], {device.name: mac})
        self.adopt(grown)
        if not device.is_switch:
            self._dress(device.name)

    def remove_device(self, name: str) -> None:
        """Take a device away for good, with its cables and all that runs on it."""
        for link in [link for link in self.lan.links if name in (link.a.device, link.b.device)]:
            self.unplug(link)
        self.drop_services(name, {running.service.name for running in self.services_of(name)})
        if (there := self.spaces.pop(name, None)) is not None:
            os.kill(there.init, signal.SIGKILL)
            there.close()
        if name in self.ovs_switches and self._ovs is not None:
            self._ovs.remove_bridge(name)
            self.ovs_switches.remove(name)
        else:
            self.fabric.remove(name)
        self.adopt(replace(self.lan, devices={key: kept for key, kept in self.lan.devices.items() if key != name}))
