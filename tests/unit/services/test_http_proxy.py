"""The proxies' pure parts: who may be reached, what a dumb one reads, which connection is used again, who may ask."""

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.services.http.protocol.messages import HTTP_1_0, HTTP_1_1, Request, headers
from lan.services.http.proxy import access, credentials, dumb
from lan.services.http.proxy.destination import Destination, by_authority, by_url
from lan.services.http.proxy.dumb import Relay
from lan.services.http.proxy.forwarding import Here, Mode, Rules
from lan.services.http.proxy.pool import MAX_REMEMBERED, Pool, most_kept

WEB, OTHER = Destination("http", "web", 80), Destination("http", "other", 80)


# ---- destinations


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("web", "web", 80),
        ("WEB:8080", "web", 8080),
        ("[::1]:81", "::1", 81),
        ("10.0.0.2", "10.0.0.2", 80),
        ("w:", "w", 80),
    ],
)
def test_an_authority_is_read(text: str, host: str, port: int) -> None:
    assert by_authority(text, "http") == Destination("http", host, port)


@pytest.mark.parametrize(
    "text", ["", "a b", "web:0", "web:65536", "user@web", "we%62", "a/b", "web:80:80", "[::1", "a,b"]
)
def test_what_names_no_host_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="names no"):
        by_authority(text, "http")


def test_a_tunnels_end_has_a_port() -> None:
    assert str(by_authority("web:443", "tcp")) == "tcp://web:443"
    with pytest.raises(ValueError, match="no port"):
        by_authority("web", "tcp")


@pytest.mark.parametrize(
    ("url", "method", "destination", "path"),
    [
        ("http://web", "GET", WEB, "/"),
        ("HTTP://Web/?a", "GET", WEB, "/?a"),
        ("http://web?a", "GET", WEB, "/?a"),
        ("http://web", "OPTIONS", WEB, "*"),
        ("http://web/", "OPTIONS", WEB, "/"),
        ("https://web/a", "GET", Destination("https", "web", 443), "/a"),
    ],
)
def test_a_url_is_a_destination_and_a_path(url: str, method: str, destination: Destination, path: str) -> None:
    assert by_url(url, method) == (destination, path)


@given(st.text())
def test_any_text_is_a_destination_or_refused(text: str) -> None:
    try:
        found = by_authority(text, "http")
    except ValueError:
        return
    assert by_authority(found.authority, "http") == found


# ---- addresses


REFUSED = [
    *(
        "127.0.0.1",
        "127.255.255.254",
        "::1",
        "0.0.0.0",
        "0.1.2.3",
        "::",
        "169.254.169.254",
        "fe80::1%eth0",
        "224.0.0.1",
    ),
    *("255.255.255.255", "ff02::1", "::ffff:127.0.0.1", "::ffff:169.254.1.1", "64:ff9b::7f00:1", "::127.0.0.1"),
    *("2002:7f00:1::", "::ffff:0:0"),
]


@pytest.mark.parametrize("address", REFUSED)
def test_the_proxys_own_machine_is_out_of_reach(address: str) -> None:
    assert access.refusal(address) is not None


@pytest.mark.parametrize(
    "address", ["10.0.0.2", "192.168.100.253", "93.184.216.34", "2001:db8::1", "fd00::1", "::ffff:10.0.0.2"]
)
def test_servers_of_the_lan_and_the_world_are_reached(address: str) -> None:
    assert access.refusal(address) is None


def test_loopback_is_a_setting_and_no_address_at_all_is_not() -> None:
    assert access.refusal("127.0.0.1", allow_loopback=True) is None
    assert access.refusal("0.0.0.0", allow_loopback=True) is not None


# ---- the dumb proxy


def read(data: bytes, rules: Rules = Rules("dumb"), original: Destination | None = None) -> Relay:  # noqa: B008
    found = dumb.read(data, rules, original)
    assert isinstance(found, Relay), found
    return found


def test_a_dumb_proxy_changes_the_first_line_alone() -> None:
    data = b"POST http://web/a HTTP/1.0\r\nConnection: Keep-Alive\r\ncontent-length : 5\r\n\r\nhello and more"
    found = read(data)
    assert (found.destination, found.first) == (WEB, b"POST /a HTTP/1.0")
    assert data[found.skipped_bytes :].startswith(b"\r\nConnection: Keep-Alive")
    assert found.speaks_bytes == data.index(b" and more")


def test_a_dumb_proxy_waits_for_the_end_of_the_head() -> None:
    assert dumb.read(b"GET http://web/ HTTP/1.1\r\nHost: web\r\n", Rules("dumb")) is None
    assert read(b"GET http://web/ HTTP/1.0\n\n").speaks_bytes == 26
    too_long = dumb.read(b"GET http://web/ HTTP/1.1\r\n" + b"x" * dumb.MAX_HEAD_BYTES, Rules("dumb"))
    assert isinstance(too_long, Here) and too_long.status == 431


def test_nobody_knows_how_long_a_chunked_client_speaks() -> None:
    assert read(b"PUT http://web/ HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n").speaks_bytes is None


def test_a_dumb_proxy_goes_to_its_parent_its_server_or_where_the_client_was_going() -> None:
    parent = Destination("http", "parent", 3128)
    assert read(b"GET http://web/a HTTP/1.1\r\n\r\n", Rules("d", parent=parent)).first == b"GET http://web/a HTTP/1.1"
    assert read(b"GET http://web/a HTTP/1.1\r\n\r\n", Rules("d", parent=parent)).destination == parent
    assert read(b"GET /a HTTP/1.1\r\n\r\n", Rules("d", mode=Mode.GATEWAY, upstream=WEB)).destination == WEB
    intercept = Rules("d", mode=Mode.INTERCEPT)
    assert read(b"GET /a HTTP/1.1\r\nHost: web\r\n\r\n", intercept, OTHER).destination == OTHER
    assert read(b"GET /a HTTP/1.1\r\nHost: web\r\n\r\n", intercept).destination == WEB


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (b"CONNECT web:443 HTTP/1.1\r\n\r\n", 501),
        (b"GET / HTTP/1.1\r\n\r\n", 400),
        (b"nonsense\r\n\r\n", 400),
        (b"GET https://web/ HTTP/1.1\r\n\r\n", 400),
        (b"GET http://a b HTTP/1.1\r\n\r\n", 400),
        (b"\r\n\r\n", 400),
    ],
)
def test_what_leads_nowhere_is_refused(data: bytes, status: int) -> None:
    found = dumb.read(data, Rules("dumb"))
    assert isinstance(found, Here) and found.status == status


@given(
    st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda tail: b"GET http://web/ HTTP/1.1\r\n" + tail + b"\r\n\r\n")
)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for rules in (Rules("d"), Rules("d", mode=Mode.GATEWAY, upstream=WEB), Rules("d", mode=Mode.INTERCEPT)):
        found = dumb.read(data, rules)
        if isinstance(found, Relay):
            assert found.skipped_bytes <= len(data)


# ---- the pool


def test_the_connection_used_last_is_used_again() -> None:
    pool: Pool[str] = Pool()
    for name in ("a", "b"):
        assert pool.park(name, WEB, 9) == []
    assert pool.park("c", OTHER, 9) == []
    assert [pool.take(WEB), pool.take(WEB), pool.take(WEB), pool.take(OTHER)] == ["b", "a", None, "c"]
    assert len(pool) == 0


def test_the_longest_idle_are_closed_when_there_are_too_many() -> None:
    pool: Pool[str] = Pool()
    pool.park("a", WEB, 2)
    pool.park("b", OTHER, 2)
    assert pool.park("c", WEB, 2) == ["a"]
    assert pool.park("d", WEB, 1) == ["b", "c"]
    pool.drop("d")
    pool.drop("d")
    assert pool.all() == [] and pool.take(WEB) is None


@pytest.mark.parametrize(("clients", "connections", "most"), [(0, 0, 2), (1, 2, 2), (5, 7, 10), (1, 32, 32)])
def test_two_for_each_client_are_kept_or_as_many_as_it_has_itself(clients: int, connections: int, most: int) -> None:
    assert most_kept(clients, 2, connections) == most


def test_versions_are_remembered_and_not_for_ever() -> None:
    pool: Pool[str] = Pool()
    assert pool.version(WEB) is None
    pool.learn(WEB, HTTP_1_0)
    pool.learn(WEB, HTTP_1_1)
    assert pool.version(WEB) == HTTP_1_1
    for port in range(1, MAX_REMEMBERED + 1):
        pool.learn(Destination("http", "x", port), HTTP_1_0)
    assert pool.version(WEB) is None


@given(st.lists(st.tuples(st.sampled_from("abcdef"), st.sampled_from([WEB, OTHER]), st.integers(1, 4), st.booleans())))
def test_a_pool_never_gives_what_it_does_not_hold(steps: list[tuple[str, Destination, int, bool]]) -> None:
    pool: Pool[str] = Pool()
    held: dict[str, Destination] = {}
    for name, destination, most, takes in steps:
        if takes:
            found = pool.take(destination)
            assert (found is None) is (destination not in held.values())
            if found is not None:
                assert held.pop(found) == destination
        elif name not in held:
            held[name] = destination
            for gone in pool.park(name, destination, most):
                del held[gone]
            assert len(held) <= most
        assert set(pool.all()) == set(held)


# ---- credentials


def asked(value: str) -> Request:
    return Request("GET", "/", headers=headers([("Proxy-Authorization", value)]))


def test_accounts_are_read_and_asked() -> None:
    accounts = credentials.parse_accounts("# staff\n\nkim:a:b\nlee:c\n", "users")
    assert accounts.knows("kim", "a:b") and accounts.knows("lee", "c")
    assert not accounts.knows("kim", "a") and not accounts.knows("x", "") and not accounts.knows("", "")
    assert "a:b" not in repr(accounts)


@pytest.mark.parametrize("text", ["", "# nobody", "kim", "kim:", ":x", "kim:a\tb"])
def test_a_file_of_accounts_that_is_none_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="users"):
        credentials.parse_accounts(text, "users")


@pytest.mark.parametrize(
    ("value", "user"),
    [
        ("Basic " + base64.b64encode(b"kim:a:b").decode(), ("kim", "a:b")),
        ("basic  " + base64.b64encode(b"kim:").decode(), ("kim", "")),
        ("Basic " + base64.b64encode(b"kim").decode(), None),
        ("Basic !", None),
        ("Bearer x", None),
        ("Basic", None),
        ("", None),
        ("Basic " + base64.b64encode(b"\xff:x").decode(), None),
    ],
)
def test_credentials_are_read(value: str, user: tuple[str, str] | None) -> None:
    assert credentials.user_of(asked(value)) == user


@given(st.text())
def test_any_credentials_are_read(value: str) -> None:
    credentials.user_of(asked(value))
    credentials.user_of(asked(f"Basic {value}"))
