"""The seed's scenario (S1 to S11): it passes on the office, and each step fails when its cause is broken."""

import subprocess
import time
from collections.abc import Iterator

import pytest
from cryptography import x509

from lan.control.client import RunningLan
from lan.engine.certificates import Authority
from lan.scenario import browse
from lan.scenario.recording import Recording

from ..command import Command, Up

STEPS = ["DHCP", "Browse", "DNS", "Connect", "Request", "Response", "Close"]
CHECKS = ["ping dhcp", "ping dns", "ping web", "http by IP", "http by name", "http by name", "https by IP"]
CHECKS += ["https by name", "https by name"]
PC1, WEB = "192.168.100.1", "192.168.100.253"
HURRY_S = 1.0


def test_the_office_does_what_the_seed_shows(lan: Command) -> None:
    told = lan.run("run", "office", "--json", check=0).json
    steps = told["steps"]
    assert (told["schema"], told["ok"], told["lan"]) == (1, True, "office")
    assert [step["name"] for step in steps] == STEPS + CHECKS
    assert [step["n"] for step in steps] == list(range(1, len(steps) + 1))
    by_name = {step["name"]: step for step in steps}
    assert by_name["DHCP"]["detail"].startswith(PC1) and len(by_name["DHCP"]["frames"]) == 4
    assert by_name["DNS"]["detail"] == WEB
    assert len(by_name["Connect"]["frames"]) == 3
    assert by_name["Close"]["what"] == "FIN  ACK  FIN  ACK" and by_name["Close"]["detail"] == "pc1 holds TIME_WAIT"
    first_seven = [frame for step in steps[:7] for frame in step["frames"]]
    assert first_seven == sorted(first_seven)
    assert {"load", "up", "scenario", "down", "total"} <= set(told["times_ms"])


def test_a_users_path_without_sbin_makes_the_same_lan(lan: Command) -> None:
    """Debian's users have none, and Open vSwitch's daemons lie there."""

    def switching(path: str) -> str:
        with lan.up("single:2", env={"PATH": path}) as up:
            [told] = [one for one in lan.run("status", "--json", check=0).json["lans"] if one["name"] == up.name]
            return str(told["switching"])

    assert switching("/usr/local/bin:/usr/bin:/bin") == switching("/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin")


def test_the_office_passes_on_the_kernel_bridge_too(lan: Command) -> None:
    assert lan.run("run", "office", "--switch", "bridge", "--json", check=0).json["ok"]


def test_verbose_prints_a_line_a_frame(lan: Command) -> None:
    out = lan.run("run", "office", "-v", check=0).out
    assert "DHCP DISCOVER" in out and "[SYN, ACK]" in out and "HTTP GET /" in out


def test_a_lan_without_a_web_server_is_judged_by_ping(lan: Command) -> None:
    told = lan.run("run", "single:4", "--json", check=0).json
    assert [step["name"] for step in told["steps"]] == ["ping h1", "ping h2", "ping h3", "ping h4"]


@pytest.mark.parametrize("switch", ["ovs", "bridge"])
@pytest.mark.parametrize("what", ["linear:3,2", "tree:2,2", "two_switches"])
def test_several_switches_pass_frames_on(what: str, switch: str, lan: Command) -> None:
    assert lan.run("run", what, "--switch", switch, "--json", check=0).json["ok"]


def test_more_ports_than_a_kernel_bridge_has_are_refused_with_the_remedy(lan: Command) -> None:
    ended = lan.run("run", "single:1024", "--switch", "bridge")
    assert ended.code == 2
    assert "s1: the kernel's bridge has at most 1023 ports, not 1024" in ended.err and "linear:" in ended.err


@pytest.fixture(scope="module")
def office(shared_lan: Command) -> Iterator[Up]:
    with shared_lan.up("office") as up:
        yield up


def verdicts(office: Up, code: int) -> dict[str, dict[str, object]]:
    """The scenario once more on the LAN that is up: the first step of each name that failed, else the first."""
    return first_of_each(office.run("test", office.name, "--json", check=code).json["steps"])


def hurried(office: Up, *, after: str = "") -> dict[str, dict[str, object]]:
    """The same where much does not come to pass: what `lan test` waits for as long as a busy machine may need.

    Up to the step `after`, it is waited for so long here too: there are some that must come to pass.
    """
    recording = Recording(RunningLan.at(office.agent))
    try:
        cast = browse.cast_of(recording.lan.spec)
        assert cast is not None
        scene = browse.Browse(recording.lan, recording, cast, fresh=True)
        steps: list[dict[str, object]] = []
        scene.patience_s = scene.patience_s if after else HURRY_S
        for verdict in scene.verdicts():
            steps.append(verdict.as_json(len(steps) + 1))
            if verdict.name == after:
                scene.patience_s = HURRY_S
    finally:
        recording.close()
    found = first_of_each(steps)
    assert failed(found)
    return found


def first_of_each(steps: list[dict[str, object]]) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = {}
    for step in steps:
        name = str(step["name"])
        if name not in found or (found[name]["ok"] and not step["ok"]):
            found[name] = step
    return found


def failed(found: dict[str, dict[str, object]]) -> set[str]:
    return {name for name, step in found.items() if not step["ok"]}


def test_step_1_fails_without_a_dhcp_server(office: Up) -> None:
    office.run("stop", "dhcp", check=0)
    found = hurried(office)
    office.run("start", "dhcp", check=0)
    assert "DHCP" in failed(found) and "DISCOVER" in str(found["DHCP"]["detail"])
    assert verdicts(office, 0)["DHCP"]["ok"]


def test_step_1_fails_for_another_address_than_the_file_says(office: Up) -> None:
    office.run("set", "dhcp", "pool=192.168.100.50-192.168.100.60", check=0)
    (office.state / "devices/dhcp/leases.jsonl").write_text("")
    office.run("stop", "dhcp", check=0)
    office.run("start", "dhcp", check=0)
    found = verdicts(office, 1)
    office.run("set", "dhcp", "pool=192.168.100.1-192.168.100.100", check=0)
    assert failed(found) == {"DHCP"}
    assert found["DHCP"]["detail"] == "DISCOVER OFFER REQUEST ACK: expected 192.168.100.1, leased 192.168.100.50"
    (office.state / "devices/dhcp/leases.jsonl").write_text("")
    office.run("stop", "dhcp", check=0)
    office.run("start", "dhcp", check=0)
    assert not failed(verdicts(office, 0))


def test_step_2_fails_when_the_pc_is_unplugged(office: Up) -> None:
    office.run("link", "pc1", "s1", "down", check=0)
    found = hurried(office)
    office.run("link", "pc1", "s1", "up", check=0)
    assert failed(found) == set(found)
    assert "seen instead" in str(found["Browse"]["detail"])
    assert not failed(verdicts(office, 0))


def test_step_3_fails_without_a_dns_server(office: Up) -> None:
    office.run("stop", "dns", check=0)
    found = verdicts(office, 1)
    office.run("start", "dns", check=0)
    assert {"DNS", "Connect", "http by name", "https by name"} <= failed(found)
    assert "no answer" in str(found["DNS"]["detail"])
    assert found["http by IP"]["ok"] and found["https by IP"]["ok"] and found["Browse"]["ok"]


def test_step_3_fails_for_a_wrong_record(office: Up) -> None:
    office.run("set", "dns", "record=www.ark-inflearn.com:192.168.100.252", check=0)
    found = verdicts(office, 1)
    office.run("set", "dns", f"record=www.ark-inflearn.com:{WEB}", check=0)
    assert "DNS" in failed(found)
    assert found["DNS"]["detail"] == (
        "A www.ark-inflearn.com?: expected 192.168.100.253 from 192.168.100.254, "
        "seen 192.168.100.252 from 192.168.100.254"
    )
    assert found["http by IP"]["ok"]


def test_step_4_fails_when_nothing_listens(office: Up) -> None:
    office.run("stop", "web", check=0)
    found = verdicts(office, 1)
    office.run("start", "web", check=0)
    assert {"Connect", "Request", "Response", "Close", "http by IP", "https by IP"} <= failed(found)
    assert "refused (RST)" in str(found["Connect"]["detail"])
    assert found["DNS"]["ok"] and found["ping web"]["ok"]


def test_step_4_fails_when_the_web_server_is_unplugged(office: Up) -> None:
    office.run("link", "web", "s1", "down", check=0)
    found = hurried(office, after="ping dns")
    office.run("link", "web", "s1", "up", check=0)
    assert {"Connect", "Request", "Response", "Close", "ping web", "http by IP", "https by name"} <= failed(found)
    assert found["DHCP"]["ok"] and found["DNS"]["ok"] and found["ping dns"]["ok"]


def test_step_5_fails_when_the_browser_goes_to_another_server(office: Up) -> None:
    """The name leads to a machine that answers, but is not the one asked: no request reaches web."""
    office.run("set", "dns", "record=www.ark-inflearn.com:192.168.100.254", check=0)
    found = verdicts(office, 1)
    office.run("set", "dns", f"record=www.ark-inflearn.com:{WEB}", check=0)
    assert "Request" in failed(found) and "no request" in str(found["Request"]["detail"])


def test_step_6_fails_for_a_page_that_is_not_there(office: Up) -> None:
    office.run("set", "web", "root=/media", check=0)
    found = verdicts(office, 1)
    office.run("set", "web", "root=none", check=0)
    assert failed(found) == {"Response", "http by IP", "http by name"}
    assert "403 Forbidden" in str(found["Response"]["detail"])
    assert not failed(verdicts(office, 0))


HOLDS_ON = """
import socket, time
server = socket.create_server(("0.0.0.0", 80))
print("ready", flush=True)
held = []
while True:
    client, _ = server.accept()
    client.recv(4096)
    client.sendall(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\nok")
    held.append(client)
"""


def test_step_7_fails_when_the_server_never_closes(office: Up) -> None:
    office.run("stop", "web", check=0)
    holder = office.start("exec", "web", "--", "/usr/bin/python3", "-c", HOLDS_ON, stderr=subprocess.DEVNULL)
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "ready\n"
        found = verdicts(office, 1)
    finally:
        holder.kill()
        holder.communicate()
    wait_free(office)
    office.run("start", "web", check=0)
    assert found["Response"]["ok"] and "Close" in failed(found)
    assert "FIN" in str(found["Close"]["detail"])


def wait_free(office: Up) -> None:
    """Until nothing listens on the web server's port 80: what the killed command had started is gone."""
    limit = time.monotonic() + 60
    while "LISTEN" in office.exec("web", "ss", "-tlnH", "sport", "=", "80").out:
        assert time.monotonic() < limit


def test_who_closes_first_is_a_setting(office: Up) -> None:
    office.run("set", "web", "closes_first=server", check=0)
    found = verdicts(office, 0)
    office.run("set", "web", "closes_first=client", check=0)
    assert found["Close"]["detail"] == "web holds TIME_WAIT"


def test_https_fails_with_a_certificate_of_another_authority(office: Up) -> None:
    certificate, key = Authority.create("somebody else").issue(["www.ark-inflearn.com", "ark-inflearn.com"], [WEB])
    kept = {name: office.exec("web", "cat", f"/etc/ssl/lan/{name}.pem").out for name in ("certificate", "key")}
    replace(office, {"certificate": certificate, "key": key})
    found = verdicts(office, 1)
    replace(office, kept)
    assert failed(found) == {"https by IP", "https by name"}
    assert found["http by name"]["ok"]


def test_https_fails_with_a_certificate_of_another_name(office: Up) -> None:
    names = x509.load_pem_x509_certificate(office.exec("web", "cat", "/etc/ssl/lan/certificate.pem").out.encode())
    assert "www.ark-inflearn.com" in str(names.extensions.get_extension_for_class(x509.SubjectAlternativeName).value)
    office.run("set", "dns", f"record=other.test:{WEB}", check=0)
    ended = office.exec("pc1", "lan-fetch", "https://other.test/")
    office.run("set", "dns", "record=other.test:", check=0)
    assert ended.code == 1 and "other.test" in ended.err


def replace(office: Up, pem: dict[str, str | bytes]) -> None:
    """Give the web server another certificate and key, as an administrator would."""
    for name, text in pem.items():
        text = text if isinstance(text, str) else text.decode()
        office.exec("web", "tee", f"/etc/ssl/lan/{name}.pem", input=text)
    office.run("stop", "web", check=0)
    office.run("start", "web", check=0)
