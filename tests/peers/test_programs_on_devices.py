"""Real programs, unmodified, on the devices of an office: each fetches, asks, leases, serves or logs in."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from ..command import Up, command

NAME, WEB = "www.ark-inflearn.com", "192.168.100.253"
MISLED = {
    "http_proxy": "http://127.0.0.1:9",
    "https_proxy": "http://127.0.0.1:9",
    "ALL_PROXY": "http://127.0.0.1:9",
    "SSL_CERT_FILE": "/nowhere",
    "CURL_CA_BUNDLE": "/nowhere",
    "REQUESTS_CA_BUNDLE": "/nowhere",
}
"""The environment of a caller behind a proxy, with certificates of his own."""


@pytest.fixture(scope="module")
def office() -> Iterator[Up]:
    with command() as lan, lan.up("office") as up:
        yield up


@pytest.mark.parametrize("url", [f"https://{NAME}/", f"https://{WEB}/", f"http://{NAME}/", "https://web/"])
def test_curl_verifies_the_certificate_with_no_flag(url: str, office: Up) -> None:
    ended = office.exec("pc1", "curl", "-sS", "-w", "%{ssl_verify_result} %{http_code}", url, env=MISLED)
    assert ended.code == 0 and ended.out.endswith("0 200"), ended


def test_wget_fetches_over_https(office: Up) -> None:
    ended = office.exec("pc1", "wget", "-qO-", f"https://{NAME}/", env=MISLED)
    assert ended.code == 0 and "<html" in ended.out, ended


def test_dig_asks_the_resolver_that_dhcp_named(office: Up) -> None:
    ended = office.exec("pc1", "dig", "+short", NAME)
    assert (ended.code, ended.out.strip()) == (0, WEB)


def test_ping_of_iputils_gets_its_answers(office: Up) -> None:
    words = ["-c", "3", "-w", "60", "-i", "0.2"]  # until three are here; -c alone waits for the last no longer than -i
    assert " 3 received" in office.exec("pc1", "ping", *words, NAME, check=0).out


def test_python_requests_trusts_the_lan(office: Up) -> None:
    script = f"import requests; print(requests.get('https://{NAME}/', timeout=20).status_code)"
    ended = office.exec("pc1", "/usr/bin/python3", "-c", script)
    if "No module named 'requests'" in ended.err:
        script = f"import urllib.request; print(urllib.request.urlopen('https://{NAME}/', timeout=20).status)"
        ended = office.exec("pc1", "/usr/bin/python3", "-c", script)
    assert ended.out.strip() == "200", ended


def test_node_trusts_the_lan(office: Up) -> None:
    script = f"require('https').get('https://{NAME}/', r => {{ console.log(r.statusCode); r.resume(); }})"
    assert office.exec("pc1", "node", "-e", script).out.strip() == "200"


@pytest.mark.parametrize(
    "client",
    [
        ["dhclient", "-1", "-v", "-lf", "/tmp/leases", "-pf", "/tmp/pid", "pc1-eth0"],
        ["udhcpc", "-n", "-q", "-i", "pc1-eth0"],
    ],
    ids=["dhclient", "udhcpc"],
)
def test_dhcp_clients_of_the_field_lease_the_same_address(client: list[str], office: Up) -> None:
    office.run("stop", "pc1", check=0)
    ended = office.exec("pc1", *client)
    assert ended.code == 0 and "192.168.100.1" in ended.out + ended.err, ended
    office.exec("pc1", "pkill", "dhclient")
    office.run("set", "pc1", "ip=dhcp", check=0)
    assert "192.168.100.1/24" in office.exec("pc1", "ip", "-br", "address").out


SERVE = "daemon off; master_process on; error_log /tmp/error.log; pid /tmp/nginx.pid;"
CONFIG = "events {} http { access_log off; server { listen 80; return 200 'nginx is here'; } }"


def test_nginx_serves_from_a_device(office: Up) -> None:
    office.run("stop", "web", check=0)
    office.exec("web", "tee", "/tmp/nginx.conf", input=CONFIG, check=0)
    serving = office.start(
        "exec", "web", "--", "nginx", "-c", "/tmp/nginx.conf", "-g", SERVE, stdout=subprocess.DEVNULL
    )
    try:
        assert fetched(office, f"http://{WEB}/") == "nginx is here"
    finally:
        office.exec("web", "pkill", "nginx")
        serving.wait(60)
    office.run("start", "web", check=0)


def fetched(office: Up, url: str) -> str:
    """What curl gets, as soon as somebody listens."""
    return office.exec("pc1", "curl", "-sS", "--retry", "50", "--retry-connrefused", "--retry-delay", "1", url).out


def test_ssh_logs_in_from_device_to_device(office: Up) -> None:
    office.exec(
        "web", "sh", "-c", "ssh-keygen -q -t ed25519 -N '' -f /root/host_key; mkdir -p /root/.ssh /run/sshd", check=0
    )
    office.exec("pc1", "sh", "-c", "mkdir -p /root/.ssh; ssh-keygen -q -t ed25519 -N '' -f /root/.ssh/id", check=0)
    public = office.exec("pc1", "cat", "/root/.ssh/id.pub", check=0).out
    office.exec("web", "tee", "/root/.ssh/authorized_keys", input=public, check=0)
    options = ["-h", "/root/host_key", "-o", "UsePAM=no", "-o", "StrictModes=no", "-o", "PermitRootLogin=yes"]
    serving = office.start(
        "exec", "web", "--", "/usr/sbin/sshd", "-D", "-p", "2222", *options, stdout=subprocess.DEVNULL
    )
    try:
        limit = time.monotonic() + 60
        while ":2222" not in office.exec("web", "ss", "-tlnH").out:
            assert time.monotonic() < limit and serving.poll() is None, serving.communicate()[1]
        asking = ["-p", "2222", "-i", "/root/.ssh/id", "-o", "StrictHostKeyChecking=no", "-o", "BatchMode=yes"]
        ended = office.exec("pc1", "ssh", *asking, "root@web", "hostname")
        assert ended.out.strip() == "web", ended
    finally:
        office.exec("web", "pkill", "sshd")
        serving.wait(60)


def test_chromium_shows_the_page_over_https(office: Up) -> None:
    home = ["--env", "HOME=/tmp/browser"]
    database = ["-d", "sql:/tmp/browser/.pki/nssdb", "-f", "/dev/null"]
    office.exec("pc1", "mkdir", "-p", "/tmp/browser/.pki/nssdb", check=0)
    office.exec("pc1", "certutil", *database, "-N", check=0)
    trust = ["-A", "-t", "C,,", "-n", "lan", "-i", "/etc/ssl/certs/lan-authority.pem"]
    office.exec("pc1", "certutil", *database, *trust, check=0)
    flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"]
    flags += ["--disable-background-networking", "--disable-component-update", "--user-data-dir=/tmp/chromium"]
    ended = office.run("exec", *home, "pc1", "--", "chromium", *flags, "--dump-dom", f"https://{NAME}/")
    assert "</html>" in ended.out and "web" in ended.out and "ERR_" not in ended.out, ended


def test_processes_of_one_device_are_out_of_another_ones_reach(office: Up) -> None:
    sleeping = office.start("exec", "web", "--", "sleep", "654", stdout=subprocess.DEVNULL)
    limit = time.monotonic() + 60
    while "sleep 654" not in office.exec("web", "ps", "-eo", "args").out:
        assert time.monotonic() < limit
    assert "sleep 654" not in office.exec("pc1", "ps", "-eo", "args").out
    office.exec("pc1", "pkill", "-f", "sleep 654")
    assert "sleep 654" in office.exec("web", "ps", "-eo", "args").out
    office.exec("web", "pkill", "-f", "sleep 654")
    assert sleeping.wait(60) == 128 + 15


def test_what_a_device_writes_stays_there(office: Up) -> None:
    for place in (f"{folder}/only-on-pc1" for folder in ("/tmp", "/etc", "/var", "/root", "/home", "/run")):
        office.exec("pc1", "tee", place, input="pc1", check=0)
        assert office.exec("web", "cat", place).code == 1 and not Path(place).exists()
    assert office.exec("pc1", "touch", "/usr/x").code == 1
    assert office.exec("pc1", "readlink", "/etc/resolv.conf").code == 1  # a plain file
    assert office.exec("pc1", "hostname").out == "pc1\n"


def test_the_callers_folder_is_there_and_writable_unless_told_otherwise(office: Up, tmp_path: Path) -> None:
    (tmp_path / "given").write_text("yes")
    environment = {"PYTHONSAFEPATH": "1"}
    ended = office.exec("pc1", "sh", "-c", "pwd; cat given; echo back > made", cwd=tmp_path, env=environment)
    assert ended.out == f"{tmp_path}\nyes" and (tmp_path / "made").read_text() == "back\n"
    ended = office.run("exec", "--no-cwd", "pc1", "--", "ls", str(tmp_path), cwd=tmp_path, env=environment)
    assert "given" not in ended.out


def test_the_office_as_tshark_reads_it(tmp_path: Path) -> None:
    """Not our decoder: what Wireshark's says of the capture of a whole run."""
    file = tmp_path / "office.pcapng"
    with command() as lan:
        lan.run("run", "office", "--pcap", str(file), check=0)

    def count(words: str) -> int:
        check = [f"{layer}.check_checksum:TRUE" for layer in ("ip", "tcp", "udp")]
        options = [word for one in check for word in ("-o", one)]
        command_line = ["tshark", "-r", str(file), *options, "-Y", f"frame.packet_flags_direction == 1 && ({words})"]
        return len(subprocess.run(command_line, capture_output=True, text=True, check=True).stdout.splitlines())

    assert count("dhcp") == 4
    assert count("dhcp.ip.your == 192.168.100.1 && dhcp.option.dhcp == 5") == 1
    assert count(f'dns.flags.response == 1 && dns.a == {WEB} && dns.qry.name == "{NAME}"') >= 1
    # a busy machine sends a FIN again whose ACK is late (RFC 8985 §7), be it that it passes here before or after
    once = " && ".join(f"!tcp.analysis.{which}retransmission" for which in ("", "fast_", "spurious_"))
    assert count(f"tcp.flags.syn == 1 && tcp.flags.ack == 0 && {once}") == 7
    assert count(f"tcp.flags.syn == 1 && tcp.flags.ack == 1 && {once}") == 7
    assert count(f"tcp.flags.fin == 1 && {once}") == 14
    assert count('!tls && http.request.method == "GET"') == count("!tls && http.response.code == 200") == 4
    assert count('tls && http.request.method == "GET"') == count("tls && http.response.code == 200") == 3
    assert count("tls.handshake.type == 1") == count("tls.handshake.type == 2") == 3
    assert count("icmp.type == 0") == 12
    bad = "ip.checksum.status == 0 || tcp.checksum.status == 0 || udp.checksum.status == 0"
    assert count(f"_ws.malformed || {bad}") == 0


EVERY_OPTION = """
from mininet.topo import Topo


class Shaped(Topo):
    def build(self):
        self.addSwitch("s1")
        cable = dict(bw=10, delay="5ms", jitter="1ms", distribution="normal", loss=1, duplicate=1, corrupt=1)
        cable |= dict(reorder=1, gap=5, max_queue_size=50, seed=7, at={"3s": "down", "5s-6s": {"loss": 2}})
        for number in (1, 2):
            self.addLink(self.addHost(f"h{number}"), "s1", **cable)
        self.addLink(self.addHost("h3"), "s1", params1={"loss": "gemodel 1% 10%"}, params2={"delay": "2ms"})


topos = {"shaped": Shaped}
"""


@pytest.mark.parametrize("program", ["/usr/bin/mn", str(Path(sys.prefix) / "bin/mn")])
def test_stock_mininet_takes_a_file_whose_cables_have_every_option(program: str, tmp_path: Path) -> None:
    """Its own link makes a perfect cable of them; its TCLink wants netem, which not every kernel has."""
    if not Path(program).is_file():
        pytest.skip("not installed")
    file = tmp_path / "shaped.py"
    file.write_text(EVERY_OPTION)
    with command() as lan:
        lan.run("validate", str(file), check=0)
        words = ["--custom", str(file), "--topo", "shaped", "--controller", "none", "--switch", "lxbr"]
        ended = lan.run("sandbox", "--", program, *words, "--test", "pingall")
        assert "0% dropped (6/6 received)" in ended.out + ended.err, ended


def test_stock_mininet_runs_the_same_file() -> None:
    """Debian's and PyPI's `mn`, in a bubble; `lan sandbox` needs nothing of the LAN's own."""
    with command() as lan:
        for program in ("/usr/bin/mn", str(Path(sys.prefix) / "bin/mn")):
            if Path(program).is_file():
                words = ["--custom", "topologies/office.py", "--topo", "office", "--controller", "none"]
                ended = lan.run("sandbox", "--", program, *words, "--switch", "lxbr", "--test", "pingall")
                assert "0% dropped (12/12 received)" in ended.out + ended.err, ended
                ended = lan.run(
                    "sandbox", "--ovs", "--", program, *words, "--switch", "ovsbr,datapath=user", "--test", "pingall"
                )
                if Path("/dev/net/tun").exists() and os.access("/dev/net/tun", os.W_OK):
                    assert "0% dropped (12/12 received)" in ended.out + ended.err, ended
