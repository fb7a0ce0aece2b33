"""What the DHCP client does to its host: lines for ip, resolv.conf, the lease file."""

from dataclasses import replace
from ipaddress import IPv4Address, IPv4Interface
from pathlib import Path

import pytest

from lan.errors import MachineError
from lan.services.dhcp.binding import Binding
from lan.services.dhcp.configure import giving, read_lease, resolv_text, taking, write_file, write_lease

ROUTER, DNS = IPv4Address("192.168.100.254"), tuple(IPv4Address(f"192.168.100.{n}") for n in (1, 2, 3, 4))
LEASE = Binding(IPv4Interface("192.168.100.1/24"), DNS[0], (ROUTER,), DNS, "lan.test", 60, 100, 130, 152.5, 160)


def test_the_address_lives_as_long_as_the_lease() -> None:
    assert giving("pc1-eth0", LEASE, now_s=100.4) == [
        "address replace 192.168.100.1/24 broadcast 192.168.100.255 dev pc1-eth0 valid_lft 60 preferred_lft 60",
        "route replace default via 192.168.100.254 dev pc1-eth0",
    ]


def test_a_lease_for_ever_without_router_is_an_address_alone() -> None:
    lease = replace(LEASE, until_s=None, routers=(), interface=IPv4Interface("10.0.0.1/31"))
    assert giving("eth0", lease, now_s=0) == [
        "address replace 10.0.0.1/31 dev eth0 valid_lft forever preferred_lft forever"
    ]


def test_a_router_outside_the_subnet_is_taken_to_be_on_the_cable() -> None:
    assert giving("eth0", replace(LEASE, routers=(IPv4Address("10.0.0.1"),)), now_s=0)[1].endswith(" onlink")


def test_the_old_address_goes_by_its_prefix() -> None:
    assert taking("eth0", LEASE) == ["address delete 192.168.100.1/24 dev eth0"]


def test_resolv_conf_has_the_domain_and_the_first_three_servers() -> None:
    expected = "search lan.test\nnameserver 192.168.100.1\nnameserver 192.168.100.2\nnameserver 192.168.100.3\n"
    assert resolv_text(LEASE) == expected
    assert resolv_text(replace(LEASE, dns=(), domain=None)) == ""


def test_a_link_is_replaced_by_a_plain_file(tmp_path: Path) -> None:
    (tmp_path / "of the host").write_text("its own")
    path = tmp_path / "resolv.conf"
    path.symlink_to("of the host")
    write_file(path, "nameserver 10.0.0.1\n")
    assert path.read_text() == "nameserver 10.0.0.1\n" and not path.is_symlink()
    assert (tmp_path / "of the host").read_text() == "its own"
    assert len(list(tmp_path.iterdir())) == 2


def test_a_file_that_can_not_be_written_is_named(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match=r"none/resolv.conf: can't be written: No such file or directory"):
        write_file(tmp_path / "none" / "resolv.conf", "")


def test_the_lease_file_is_read_back_and_a_broken_one_is_none(tmp_path: Path) -> None:
    path = tmp_path / "lease.json"
    assert read_lease(path) is None
    write_lease(path, "pc1-eth0", "02:00:00:00:00:01", "pc1", "BOUND", LEASE)
    assert read_lease(path) == LEASE
    path.write_text(path.read_text()[:-9])
    assert read_lease(path) is None
