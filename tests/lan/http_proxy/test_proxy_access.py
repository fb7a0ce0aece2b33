"""Who may use a proxy, and where it goes for them."""

import base64
from pathlib import Path

import pytest

from ...program import Program
from ..proxying import Client, Played, Start, field, get, proxy_command


def test_a_client_without_credentials_gets_407(start: Start, knows: str, web: Program, tmp_path: Path) -> None:
    (tmp_path / "users").write_text("# staff\nkim:s:e\n박:비밀\n")
    with Client(start(knows, "--auth-file", str(tmp_path / "users"))) as client:
        for user in (None, "kim:wrong", "lee:s:e", "kim"):
            token = "" if user is None else f"Proxy-Authorization: Basic {base64.b64encode(user.encode()).decode()}"
            client.send(get(web.url, *([token] if token else []), path="/1k"))
            status, head, _ = client.response()
            assert (status, field(head, "Proxy-Authenticate")) == (407, 'Basic realm="lan proxy", charset="UTF-8"')
        for user in ("kim:s:e", "박:비밀"):
            token = base64.b64encode(user.encode()).decode()
            client.send(get(web.url, f"Proxy-Authorization: basic {token}", path="/echo"))
            status, _, content = client.response()
            assert status == 200 and b"Authorization" not in content


def test_a_child_passes_its_parents_challenge_and_the_clients_answer(start: Start, web: Program) -> None:
    parent = start("smart", "--auth", "a:b")
    with Client(start("smart", "--parent", parent.url)) as client:
        client.send(get(web.url, path="/1k"))
        assert client.response()[0] == 407
        token = base64.b64encode(b"a:b").decode()
        client.send(get(web.url, f"Proxy-Authorization: Basic {token}", path="/1k"))
        assert client.response()[0] == 200


OURS = ["127.0.0.1", "localhost", "127.1", "2130706433", "0x7f.0.0.1", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]"]
OURS += ["[::ffff:7f00:1]", "[64:ff9b::127.0.0.1]", "169.254.169.254", "[fe80::1]", "224.0.0.1", "255.255.255.255"]


@pytest.mark.parametrize("kind", ["dumb", "smart", "cache"])
def test_a_forward_proxy_does_not_reach_its_own_machine(tmp_path: Path, played: Played, kind: str) -> None:
    with Program(proxy_command(kind), tmp_path / "log") as proxy:
        for host in OURS:
            with Client(proxy) as client:
                client.send(get(f"http://{host}:{played.port}"))
                assert client.head().split()[1] in ("403", "502"), host
            if kind != "dumb":
                with Client(proxy) as client:
                    client.send(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
                    assert client.head().split()[1] in ("403", "502"), host
    assert not played.has_visitor()


def test_a_named_upstream_may_be_on_this_machine(tmp_path: Path, web: Program) -> None:
    proxy = Program(proxy_command("smart", "--upstream", web.url), tmp_path / "log")
    with proxy, Client(proxy) as client:
        client.send(b"GET /1k HTTP/1.1\r\nHost: www.lan.test\r\n\r\n")
        assert client.response()[0] == 200
