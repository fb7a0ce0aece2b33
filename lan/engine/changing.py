"""Settings of devices that are changed while their LAN runs: what follows from them is brought in line, nothing else.

Called in the bubble's PID 1, as all of `LiveLan`.
"""

import signal
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from lan.devices.base import Host, Service
from lan.devices.kinds import schemas
from lan.engine import ageing, decisions, house, services
from lan.engine.live import LEASE_DEADLINE_S, LiveLan
from lan.engine.services import Running
from lan.errors import RunError, UsageError
from lan.reasons import Reason
from lan.topo.spec import Device, Lan
from lan.topo.validate import validate


def change(live: LiveLan, name: str, changes: Mapping[str, Any]) -> list[str]:
    """Give a device new options and bring its address and services in line; says what was done."""
    before = live.models[name]
    ageing.check_change(name, changes, is_ovs=name in live.ovs_switches)
    device = live.lan.devices[name]
    kept = {key: value for key, value in {**device.options, **changes}.items() if value is not None}
    changed = replace(live.lan, devices={**live.lan.devices, name: replace(device, options=kept)})
    _check(changed)
    live.adopt(changed)
    done = _realign_ageing(live, device)
    done += _realign_address(live, name, before)
    done += _realign_services(live, name, before)
    reason = Reason("lan set", f"{name} has other settings", **{key: str(value) for key, value in changes.items()})
    decisions.append(live.decisions, "settings", "set", reason, device=name, options=kept)
    return done


def _check(lan: Lan) -> None:
    """Refuse what a topology file could not say either."""
    for problem in validate(lan, schemas()):
        if not problem.is_warning:
            raise UsageError(problem.what, expected=problem.expected, todo="lan inspect shows what is set now")


def lease_anew(live: LiveLan, name: str) -> list[str]:
    """Have a DHCP client forget its lease and ask again, as a PC does when DHCP is chosen once more."""
    live.drop_services(name, {"dhcp"})
    (live.state_folder(name) / "lease.json").unlink(missing_ok=True)
    live.fabric.flush(name, live.models[name].ports[0])
    return live.start_services(name) and [f"{name}: address by DHCP, asked for anew"]


def _realign_address(live: LiveLan, name: str, before: Host) -> list[str]:
    after = live.models[name]
    if (before.static_ip, before.default_router, before.dns, before.dhcp) == (
        after.static_ip,
        after.default_router,
        after.dns,
        after.dhcp,
    ):
        return []
    if not after.ports:
        raise UsageError(f"{name} has no cable, so no interface to give an address")
    if before.dhcp and not after.dhcp:
        live.drop_services(name, {"dhcp"})
        live.fabric.flush(name, after.ports[0])
    if not after.dhcp:
        live.fabric.readdress(name, after.ports[0], before.static_ip, after.static_ip, after.default_router)
        resolv = house.DEVICES / name / "etc-upper/resolv.conf"
        if resolv.parent.is_dir() and (after.dns or before.dhcp):
            resolv.write_text(f"nameserver {after.dns}\n" if after.dns else "")
        return [f"{name}: address {after.static_ip or 'none'}"]
    if before.static_ip is not None:
        live.fabric.readdress(name, after.ports[0], before.static_ip, None, None)
    return [f"{name}: address by DHCP"]


def _realign_ageing(live: LiveLan, before: Device) -> list[str]:
    after = live.lan.devices[before.name]
    if not after.is_switch or ageing.of(before) == ageing.of(after):
        return []
    live.fabric.set_ageing(after)
    return [f"{after.name}: forgets a silent station after {ageing.of(after)} s"]


def _realign_services(live: LiveLan, name: str, before: Host) -> list[str]:
    wanted = {service.name: service for service in live.models[name].services()}
    had = {service.name: service for service in before.services()}
    live.drop_services(name, {known for known in had if known not in wanted})
    done = [f"{name}: {known} stopped" for known in had if known not in wanted]
    for known, service in wanted.items():
        running = next((it for it in live.services_of(name) if it.service.name == known), None)
        if running is None or running.state == "ended":
            services.wait_ready([live.start_service(name, service)], LEASE_DEADLINE_S)
            done.append(f"{name}: {known} started")
        elif (service.module, list(service.arguments)) != (running.service.module, list(running.service.arguments)):
            live.drop_services(name, {known})
            services.wait_ready([live.start_service(name, service)], LEASE_DEADLINE_S)
            done.append(f"{name}: {known} restarted")
        elif service.files != running.service.files:
            _reload(running, service)
            done.append(f"{name}: {known} told")
    return done


def _reload(running: Running, service: Service) -> None:
    services.write_files(house.DEVICES / running.device / "run/lan" / service.name, service)
    running.service = service
    heard = running.readings
    services.stop(running, signal.SIGHUP)
    if services.wait_until([running], lambda it: it.readings > heard, services.READY_DEADLINE_S):
        raise RunError(f"{running.device}: {service.name} did not take the new settings", todo=str(running.log))
