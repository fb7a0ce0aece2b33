"""Connections that the network leads to a proxy: the nftables rules, and where a connection was going.
netfilter's redirect, ip(7).

The rules stand in a table of their own, made when the proxy starts and taken away when it ends.  Their
text is made of checked numbers and names alone, and goes to nft as its input, past any shell.
"""

import ipaddress
import shutil
import socket
import struct
import subprocess

from lan.errors import MachineError
from lan.services.http.proxy.destination import Destination
from lan.services.http.proxy.settings import Redirect

_SO_ORIGINAL_DST = 80  # linux/netfilter_ipv4.h
_NFT = "/usr/sbin/nft"


def destination_of(sock: socket.socket) -> Destination | None:
    """Where the client wanted to go before its connection was redirected; None where nothing redirected it."""
    try:
        raw = sock.getsockopt(socket.SOL_IP, _SO_ORIGINAL_DST, 16)
    except OSError:
        return None
    port, address = struct.unpack("!2xH4s8x", raw)
    host = str(ipaddress.IPv4Address(address))
    if (host, port) == sock.getsockname()[:2]:
        return None
    return Destination("http", host, port)


def rules(redirect: Redirect, port: int) -> str:
    """The table that leads TCP connections, coming in by the interface to one of the ports, to this port here."""
    ports = ", ".join(map(str, redirect.ports))
    return (
        f"table ip {table(port)} {{\n"
        "  chain prerouting {\n"
        "    type nat hook prerouting priority dstnat; policy accept;\n"
        f'    iifname "{redirect.interface}" tcp dport {{ {ports} }} redirect to :{port}\n'
        "  }\n"
        "}\n"
    )


def table(port: int) -> str:
    """The table's name: one for each proxy of a machine."""
    return f"lan_proxy_{port}"


def lead_here(redirect: Redirect, port: int) -> None:
    """Make the table, in place of one that was left behind.  Raises MachineError."""
    remove(port)
    _nft(["-f", "-"], rules(redirect, port))


def remove(port: int) -> None:
    """Take the table away, if it is there."""
    _nft(["-f", "-"], f"table ip {table(port)}\ndelete table ip {table(port)}\n")


def _nft(arguments: list[str], text: str) -> None:
    program = shutil.which("nft") or _NFT
    try:
        done = subprocess.run([program, *arguments], input=text, capture_output=True, text=True, check=False)
    except OSError as error:
        todo = "install nftables of your distribution"
        raise MachineError(f"--redirect needs nft: {error.strerror}", expected="nftables", todo=todo) from None
    if done.returncode != 0:
        said = (done.stderr.strip().splitlines() or ["no reason given"])[0]
        todo = "root in a network namespace of its own, such as a device of a LAN"
        raise MachineError(f"--redirect: nft refuses: {said}", todo=todo)
