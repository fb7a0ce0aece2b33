"""The DHCP server's settings: what is understood, and how each mistake is answered."""

from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import LanError, UsageError
from lan.services.dhcp import __main__ as shell
from lan.services.dhcp import client_main
from lan.services.dhcp.pool import parse_pool
from lan.services.dhcp.settings import parse_settings

SUBNET, SERVER = IPv4Network("192.168.100.0/24"), IPv4Address("192.168.100.252")
GOOD = {"subnet": "192.168.100.0/24", "pool": "192.168.100.1-100"}


@pytest.mark.parametrize("text", ["192.168.100.1-192.168.100.100", "192.168.100.1-100", " 192.168.100.1 - 100 "])
def test_a_pool_is_written_long_or_short(text: str) -> None:
    pool = parse_pool(text, SUBNET)
    assert (pool.first, pool.last, len(pool)) == (IPv4Address("192.168.100.1"), IPv4Address("192.168.100.100"), 100)


def test_a_pool_leaves_out_network_broadcast_server_and_fixed_addresses() -> None:
    values = GOOD | {
        "pool": "192.168.100.0-255",
        "router": "192.168.100.1",
        "dns": "192.168.100.254",
        "reservations": {"02:00:00:00:00:07": "192.168.100.7"},
    }
    pool = parse_settings(values, SERVER).pool
    gone = {0, 1, 7, 252, 254, 255}
    assert [int(address) & 255 for address in pool] == [last for last in range(256) if last not in gone]
    assert len(pool) == 250


def test_all_keys_are_understood() -> None:
    values = GOOD | {"dns": ["192.168.100.254", "1.1.1.1"], "domain": "lan.test", "lease_s": 60, "router": None}
    settings = parse_settings(values, SERVER)
    assert settings.dns == (IPv4Address("192.168.100.254"), IPv4Address("1.1.1.1"))
    assert (settings.domain, settings.lease_s, settings.router) == ("lan.test", 60, None)


MISTAKES: dict[str, tuple[dict[str, Any], str]] = {
    "unknown key": ({"poool": "x"}, "no setting is called 'poool'"),
    "no pool": ({"pool": None}, "pool '' is no run of addresses"),
    "pool outside": ({"pool": "10.0.0.1-9"}, "pool '10.0.0.1-9': 10.0.0.1 is not in 192.168.100.0/24"),
    "pool backwards": ({"pool": "192.168.100.9-3"}, "192.168.100.9 comes after 192.168.100.3"),
    "pool is the server": ({"pool": "192.168.100.252-252"}, "none of its addresses is free to lease"),
    "no subnet": ({"subnet": "192.168.100.0/33"}, "subnet '192.168.100.0/33'"),
    "server elsewhere": ({"subnet": "10.0.0.0/8"}, "the server's address 192.168.100.252 is not in the subnet"),
    "router": ({"router": "web"}, "router 'web' is no address"),
    "dns": ({"dns": "192.168.100.254,web"}, "dns 'web' is no address"),
    "domain": ({"domain": "a b"}, "domain 'a b' is no name"),
    "lease": ({"lease_s": 0}, "lease_s '0' is no time"),
    "reservation's MAC": ({"reservations": {"pc1": "192.168.100.7"}}, "'pc1' is not a MAC address"),
    "reservation elsewhere": ({"reservations": {"02:00:00:00:00:01": "10.0.0.1"}}, "can't have 10.0.0.1"),
    "one address for two": (
        {"reservations": {f"02:00:00:00:00:0{n}": "192.168.100.7" for n in (1, 2)}},
        "reservations give one address to two clients",
    ),
}


@pytest.mark.parametrize(("values", "text"), MISTAKES.values(), ids=MISTAKES.keys())
def test_a_mistake_is_named_with_its_file(values: dict[str, Any], text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_settings(GOOD | values, SERVER, "dhcp.json")
    assert str(caught.value).startswith("dhcp.json: ") and text in str(caught.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.sampled_from(["192.168.100.7", "10.0.0.0/8"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=17), inner, max_size=3),
    max_leaves=6,
)
KEYS = st.sampled_from(["subnet", "pool", "router", "dns", "domain", "lease_s", "reservations", "typo"])


@given(st.dictionaries(KEYS, JSON))
def test_no_settings_raise_anything_but_our_errors(values: dict[str, Any]) -> None:
    try:
        parse_settings(GOOD | values, SERVER)
    except LanError as fault:
        assert str(fault)


@pytest.mark.parametrize("main", [shell.main, client_main.main])
def test_a_wrong_word_ends_with_2_and_no_traceback(main: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--interfaze", "eth0"]) == 2
    said = capsys.readouterr().err
    assert "--help" in said and "Traceback" not in said


@pytest.mark.parametrize("words", [["--hostname", ""], ["--probe-s", "-1"], ["--timeout-s", "nan"]])
def test_a_client_is_told_of_a_wrong_value(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert client_main.main(["--interface", "lo", *words]) == 2
    assert words[0] in capsys.readouterr().err
