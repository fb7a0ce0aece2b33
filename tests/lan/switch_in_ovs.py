"""Three hosts on one Open vSwitch under our controller, in namespaces of their own; prints what was seen.

    unshare --net --mount --pid --fork --mount-proc  PYTHON tests/lan/switch_in_ovs.py CONTROLLER…

CONTROLLER… is the command of the controller under test, without its options.  As an ordinary user,
add `--user --map-root-user` to unshare.  The last line of the output is one JSON object.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lan.engine import offloads

RUN = Path("/run")
SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")
DECISIONS, TABLES = RUN / "decisions", RUN / "mac.json"
LATEST_S = 30
"""How long anything may take before the run is given up."""
AGE_S, TALK = 5, 40
"""Who talks pings so often, five times a second: for longer than the age, which no pause of a busy machine reaches."""


def call(*command: object, check: bool = True) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if check and done.returncode:
        sys.exit(f"{command}: {done.stderr}")
    return done.stdout


def wait_for(what: str, look: Callable[[], Any]) -> Any:
    """The first true answer of `look`."""
    until_s = time.monotonic() + LATEST_S
    while time.monotonic() < until_s:
        if found := look():
            return found
        time.sleep(0.02)
    sys.exit(f"waited in vain for {what}\n{DECISIONS.read_text()}")


def start_ovs() -> None:
    os.environ |= {"OVS_RUNDIR": "/run", "OVS_DBDIR": "/run", "OVS_LOGDIR": "/run"}
    call("mount", "-t", "tmpfs", "none", RUN)
    call("ip", "link", "set", "lo", "up")
    call("ovsdb-tool", "create", RUN / "conf.db", SCHEMA)
    quiet = ("-vconsole:off", "--log-file", "--detach", "--no-chdir", "--pidfile")
    call("ovsdb-server", "--remote=punix:/run/db.sock", *quiet, RUN / "conf.db")
    dummy = () if datapath_type() == "netdev" else ("--enable-dummy",)
    call("ovs-vswitchd", "unix:/run/db.sock", *quiet, *dummy)


def datapath_type() -> str:
    """The userspace datapath needs a TAP for its own port; the dummy one does not."""
    try:
        with Path("/dev/net/tun").open("r+b", buffering=0):
            return "netdev"
    except OSError:
        return "dummy"


def add_host(number: int) -> None:
    name, here, there = f"h{number}", f"s1-eth{number}", f"h{number}-eth0"
    call("ip", "netns", "add", name)
    call("ip", "link", "add", here, "type", "veth", "peer", "name", there)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        for end in (here, there):
            offloads.switch_off(control, end, offloads.CHECKSUM)
    call("ip", "link", "set", there, "netns", name)
    call("ip", "link", "set", here, "up")
    on(number, "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1")
    dress(number, as_host=number)


def on(number: int, *command: object, check: bool = True) -> str:
    return call("ip", "netns", "exec", f"h{number}", *command, check=check)


def dress(number: int, *, as_host: int) -> None:
    """Give host `number` the addresses of host `as_host`."""
    there = f"h{number}-eth0"
    on(number, "ip", "link", "set", there, "down")
    on(number, "ip", "address", "flush", "dev", there)
    on(number, "ip", "link", "set", there, "address", f"02:00:00:00:00:0{as_host}", "up")
    on(number, "ip", "address", "add", f"10.0.0.{as_host}/24", "dev", there)


def add_bridge(port: int) -> None:
    words: list[object] = ["ovs-vsctl", "--db=unix:/run/db.sock", "add-br", "s1", "--", "set", "bridge", "s1"]
    words += [f"datapath_type={datapath_type()}", "fail_mode=secure", "protocols=OpenFlow13"]
    for number in (1, 2, 3):
        words += ["--", "add-port", "s1", f"s1-eth{number}"]
        words += ["--", "set", "interface", f"s1-eth{number}", f"ofport_request={number}"]
    words += ["--", "set-controller", "s1", f"tcp:127.0.0.1:{port}"]
    call(*words, "--", "set", "controller", "s1", "connection_mode=out-of-band", "max_backoff=1000")


def start_controller(command: list[str], *options: str) -> tuple[subprocess.Popen[bytes], int]:
    """The process, and the descriptor on which it says that it is ready."""
    reads, writes = os.pipe()
    environment = os.environ | {"LAN_READY_FD": str(writes), "LAN_DECISIONS": str(DECISIONS)}
    command = [*command, "--listen", "127.0.0.1:6653", "--tables", str(TABLES), *options]
    process = subprocess.Popen(command, env=environment, pass_fds=[writes])
    os.close(writes)
    return process, reads


def wait_ready(reads: int) -> str:
    signal.alarm(LATEST_S)
    line = os.read(reads, 200).decode()
    signal.alarm(0)
    return line


def stop(process: subprocess.Popen[bytes]) -> int:
    process.terminate()
    return process.wait(LATEST_S)


def ping(number: int, to: int, count: int = 3, *, patience_s: float) -> int:
    """How many of `count` were answered; the last is waited for so long, which the field's ping does not heed."""
    words = ["-c", count, "-i", 0.2, "-W", patience_s, f"10.0.0.{to}"]
    return on(number, sys.executable, "-m", "lan.services.icmp", *words, check=False).count("bytes from")


def notes() -> list[dict[str, Any]]:
    return [json.loads(line) for line in DECISIONS.read_text().splitlines()]


def whats(start: int = 0) -> list[str]:
    return [f"{note['what']} {note.get('src', '')[-2:]} {note['in_port']}" for note in notes()[start:]]


def ports() -> dict[str, int]:
    """Each station's port, from the table file."""
    if not TABLES.exists():
        return {}
    switches = json.loads(TABLES.read_text())["switches"]
    return {row["mac"][-2:]: row["port"] for row in switches["s1"]["rows"]} if "s1" in switches else {}


def main(command: list[str]) -> None:
    seen: dict[str, Any] = {}
    start_ovs()
    for number in (1, 2, 3):
        add_host(number)
    controller, reads = start_controller(command)
    add_bridge(6653)
    seen["ready"] = wait_ready(reads)
    seen["pings"] = ping(1, to=2, patience_s=LATEST_S)
    seen["first notes"] = list(dict.fromkeys(whats()))  # who is answered late asks a second time
    seen["table"] = wait_for("two rows", lambda: len(ports()) == 2 and ports())
    seen["flows"] = call("ovs-ofctl", "-O", "OpenFlow13", "--no-stats", "--sort", "dump-flows", "s1").splitlines()
    on(1, "ip", "address", "flush", "dev", "h1-eth0")
    dress(3, as_host=1)
    seen["pings after the move"] = wait_for("an answer after the move", lambda: ping(3, to=2, patience_s=1))
    seen["table after the move"] = wait_for("the move", lambda: ports().get("01") == 3 and ports())
    call("ip", "link", "set", "s1-eth2", "down")
    seen["after the cable was pulled"] = wait_for("02 to go", lambda: "02" not in ports() and whats())
    call("ip", "link", "set", "s1-eth2", "up")
    wait_for("port 2", lambda: "port up  2" in whats())
    seen["exit"] = stop(controller)
    seen |= age(command)
    print(json.dumps(seen))


def age(command: list[str]) -> dict[str, Any]:
    """A new controller with a short age: who talks stays, through flows alone; who falls silent goes."""
    start = len(notes())
    controller, reads = start_controller(command, "--age-s", str(AGE_S))
    ready = wait_ready(reads)
    pings = ping(3, to=2, count=TALK, patience_s=1)
    while_talking = whats(start)
    wait_for("ageing", lambda: {"aged 01 3", "aged 02 2"} <= set(whats(start)))
    wait_for("an empty table", lambda: not ports())
    return {"ready again": ready, "pings on": pings, "while talking": while_talking, "exit again": stop(controller)}


if __name__ == "__main__":
    main(sys.argv[1:])
