"""Kinds of devices to hold topologies against: like lan's own, but fixed, so that golden texts stay."""

from collections.abc import Mapping

import pytest

from lan.topo.schema import KindSchema, Option

HOST = [
    Option("ip", str, example="192.168.100.9/24"),
    Option("mac", str),
    Option("dhcp", bool, False),
    Option("gateway", str, example="192.168.100.254"),
    Option("dns", str, example="192.168.100.254"),
    Option("sysctls", dict, {}),
    Option("env", dict, {}),
]


def kind(name: str, *options: Option, is_switch: bool = False) -> KindSchema:
    return KindSchema(name, is_switch, {option.name: option for option in options}, f"A {name}.")


KINDS = {
    each.name: each
    for each in (
        kind("pc", *HOST),
        kind("switch", Option("switch", str, choices=("ovs", "bridge")), is_switch=True),
        kind(
            "dhcp-server",
            *HOST,
            Option("pool", str, required=True, example="192.168.100.1-192.168.100.100"),
            Option("lease_s", int, 3600, low=10, high=2**32 - 2),
            Option("reservations", dict, {}),
        ),
        kind("dns-server", *HOST, Option("zone", dict, {}), Option("ttl_s", int, 300, low=0, high=2**31 - 1)),
        kind(
            "proxy",
            *HOST,
            *(Option(name, str) for name in ("proxy", "mode", "parent", "upstream")),
            Option("proxy_connection", bool, True),
        ),
        kind("web-server", *HOST, Option("names", list, []), Option("https", bool, False)),
    )
}


@pytest.fixture
def kinds() -> Mapping[str, KindSchema]:
    return KINDS
