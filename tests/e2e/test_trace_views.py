"""docs/trace.md: its commands are run on one LAN; the views as a user has them, of a LAN and of a file."""

import io
import json
import os
import pty
import re
import select
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from lan.cli.command_line import main
from lan.devices.kinds import schemas
from lan.topo.load import load
from lan.trace.frame import Direction, Frame
from lan.trace.pcapng import load as load_capture
from lan.trace.pcapng_writing import dump
from lan.wire import ethernet

from ..command import CHECKOUT, Command

PAGE = (CHECKOUT / "docs/trace.md").read_text()
BLOCKS = re.findall(r"^```(\w*)\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
COMMANDS = [
    line.partition("  #")[0].strip() for language, block in BLOCKS if not language for line in block.splitlines()
]
OFFICE = bytes.fromhex((CHECKOUT / "tests/unit/trace/office.pcapng.hex").read_text())


@pytest.fixture(scope="module")
def capture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("capture") / "office.pcapng"
    file.write_bytes(OFFICE)
    return file


def words_of(line: str) -> list[str]:
    return [double or single or bare for single, double, bare in re.findall(r"'([^']*)'|\"([^\"]*)\"|(\S+)", line)]


def test_the_commands_of_the_page_do_what_it_says(lan: Command, tmp_path: Path) -> None:
    assert len(COMMANDS) > 12
    told = {}
    try:
        for line in COMMANDS:
            told[line] = lan.run(*words_of(line)[1:], check=0, cwd=tmp_path).out
            if line == "lan flow -c 0":  # the LAN is still up: what it has recorded until now
                live = lan.run("step", check=0, cwd=tmp_path, input="to http.request\npdu web\nrun\n").out
        [script] = [block for language, block in BLOCKS if language == "sh"]
        commands = "".join(f"{line}\n" for line in script.splitlines()[1:-1])
        stepped = lan.run("step", "office.pcapng", check=0, cwd=tmp_path, input=commands).out
    finally:
        lan.run("down", "seen")
    assert " pc1         everyone  DHCP   DISCOVER" in told["lan trace"]
    assert " s1          web       " in told["lan trace --hops -n 20"]
    syns = told["lan trace --filter 'dst=web and tcp.flags.syn'"].splitlines()[1:]  # sent again where web is late
    assert syns and all(" pc1         web       TCP " in syn and "[SYN]" in syn for syn in syns)
    assert "·" in told["lan trace --why"] and "learned" in told["lan trace --why"]
    assert "── s1 · switch ─" in told["lan pdu 1"] and "7 DHCP, DISCOVER   bytes 42–" in told["lan pdu 1"]
    at_s1 = told["lan pdu 1 --device s1 --layer udp"]
    assert "── pc1" not in at_s1 and "67 (DHCP" in at_s1
    assert "DNS A www.ark-inflearn.com?" in told["lan flow"]
    assert "TCP -c 0" in told["lan flow --list"]
    assert "TIME-WAIT" in told["lan flow -c 0"]
    assert "· the server reads GET /" in live, "the server's own reason, by its log"
    assert live.splitlines()[-1].strip() == "the recording ends here"
    assert (tmp_path / "connection.svg").read_text().startswith("<svg")
    assert "Content-Security-Policy" in (tmp_path / "page.html").read_text()
    event = json.loads(told["lan trace office.pcapng --json -n 1"])
    assert event["schema"] == 1 and {"last_device", "at_device", "type", "layers", "connection"} <= set(event)
    assert "breakpoint 1: tcp.flags.fin and dst=web" in stepped and "FIN" in stepped and "In Layers" in stepped


Says = Callable[..., tuple[int, str, str]]


@pytest.fixture
def says(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Says:
    """A command in this very process: its exit code, what it printed, and its errors."""

    def run(*words: str, given: str = "") -> tuple[int, str, str]:
        monkeypatch.setattr("sys.stdin", io.StringIO(given))
        code = main(words)
        return (code, *capsys.readouterr())

    return run


def test_every_key_of_an_event_stands_in_the_page(says: Says, capture: Path) -> None:
    code, out, _ = says("trace", str(capture), "--json", "-n", "1")
    assert code == 0
    table = PAGE[PAGE.index("| key of an event") :]
    assert set(json.loads(out)) <= set(re.findall(r"`(\w+)`", table))


MISTAKES = {
    ("trace", "FILE", "--filter", "htp"): "did you mean 'http'?",
    ("trace", "README.md"): "not a capture",
    ("trace", "FILE", "-f"): "-f follows a LAN that is up",
    ("trace", "FILE", "-n", "some"): "'some' is no number",
    ("trace", "--topology", "office"): "--topology tells the names of a FILE's devices",
    ("trace", "FILE", "-l", "office"): "a FILE or a LAN that is up (-l), not both",
    ("trace", "--part", "1-2", "-f"): "-f follows what comes; --part is of what is recorded",
    ("flow", "FILE", "--part", "5"): "--part 5 is no part of a recording",
    ("show", "arp", "--part", "1-5"): "--part: a recording has a table at an instant",
    ("step", "-"): "standard input has the commands of lan step",
    ("pdu", "999", "FILE"): "has no frame 999",
    ("pdu", "1", "FILE", "--layer", "tpc"): "has no layer 'tpc'",
    ("pdu", "55", "FILE", "--device", "wbe"): "did you mean 'web'?",
    ("flow", "FILE", "-c", "9"): "has no TCP connection 9",
    ("flow", "FILE", "-c", "0", "--hops"): "from end to end",
    ("flow", "FILE", "--list", "--filter", "arp"): "--list shows every conversation: --filter is for a diagram",
    ("flow", "FILE", "--list", "-c", "0"): "--connection is for a diagram",
    ("flow", "FILE", "--svg", "ladder.jpg"): "no picture of that kind",
    ("trace", "FILE", "--pcap", "copy.pcapng", "--why"): "--why with --pcap: the reasons stand in it",
    ("trace", "--html", "page.html", "-f"): "--follow with --html: it is written once",
    ("trace", "FILE", "--html", "page.html", "--pcap", "copy.pcapng"): "one file at a time",
    ("trace", "--port", "pc1:eth0", "--pcap", "copy.pcapng", "--filter", "arp"): "a port's frames are written whole",
    ("stalls", "FILE", "-t", "0", "-c", "0"): "a transaction or a connection, not both",
    ("step", "FILE", "--break", "tcp.port ="): "it ends too soon",
}


@pytest.mark.parametrize("words", MISTAKES, ids=" ".join)
def test_a_mistake_says_what_is_wrong_and_ends_with_2(words: tuple[str, ...], says: Says, capture: Path) -> None:
    code, out, err = says(*(str(capture) if word == "FILE" else word for word in words))
    assert (code, out) == (2, "") and MISTAKES[words] in err


def test_a_filter_leaves_what_is_meant_and_the_last_are_the_last_of_that(says: Says, capture: Path) -> None:
    _, out, _ = says("trace", str(capture), "--filter", "src=pc1 and tcp.flags.syn", "-n", "2", "--json")
    numbers = [json.loads(line)["number"] for line in out.splitlines()]
    _, whole, _ = says("trace", str(capture), "--filter", "src=pc1 and tcp.flags.syn", "--json")
    assert numbers == [json.loads(line)["number"] for line in whole.splitlines()][-2:] and len(numbers) == 2
    _, none, _ = says("trace", str(capture), "--filter", "tcp.port = 9")
    assert none.splitlines() == ["none of 64 frames is meant by the filter"]
    assert says("trace", str(capture), "-n", "0") == (0, "", "")


@pytest.mark.parametrize("view", ["flow", "trace"])
def test_a_part_behind_the_end_holds_nothing(says: Says, capture: Path, view: str) -> None:
    assert says(view, str(capture), "--part", "99999-") == (0, "office.pcapng holds no frame in that part\n", "")


def test_a_foreign_capture_gets_names_from_a_topology(says: Says, capture: Path, tmp_path: Path) -> None:
    foreign = tmp_path / "foreign.pcapng"
    office = load("office", schemas())
    macs = {port.device: port.mac for link in office.links for port in (link.a, link.b)}
    frame = ethernet.build(macs["web"], macs["pc1"], ethernet.ARP, bytes(28))
    foreign.write_bytes(dump([Frame(1, 0, "eth0", "", Direction.UNKNOWN, frame)]))
    assert macs["pc1"] in says("trace", str(foreign))[1]
    assert " pc1         web " in says("trace", str(foreign), "--topology", "office")[1]


def test_a_capture_does_not_get_at_the_terminal(says: Says, tmp_path: Path) -> None:
    evil = tmp_path / "evil.pcapng"
    frames = [frame for frame in load_capture(OFFICE) if frame.packet.http][:2]
    evil.write_bytes(
        dump(Frame(at, 0, "s1\x1b[2J:eth1", "pc\x9b5m1:eth0", each.direction, each.data, comment="\x1b]0;taken\x07")
             for at, each in enumerate(frames, start=1))
    )  # fmt: skip
    for words in (("trace",), ("trace", "--hops"), ("flow",), ("flow", "--list"), ("pdu", "1"), ("step",)):
        _, out, _ = says(*words, str(evil), given="next\npdu\n")
        assert out and not re.search(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]", out), words


@pytest.mark.parametrize("words", [("trace",), ("trace", "--json"), ("flow", "--list"), ("pdu", "1")], ids=" ".join)
def test_an_output_that_takes_no_more_is_told_in_a_line(lan: Command, capture: Path, words: tuple[str, ...]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(lan.argv(*words, str(capture)), env=lan.environment(), stdout=full,
                              stderr=subprocess.PIPE, text=True, check=False, timeout=60)  # fmt: skip
    assert (done.returncode, done.stderr) == (1, "lan: the output can't be written: No space left on device\n")


def test_a_wrong_line_ends_a_script_with_its_number(says: Says, capture: Path) -> None:
    code, out, err = says("step", str(capture), given="next\nnxt\nnext\n")
    assert code == 2 and len(out.splitlines()) == 1
    assert "line 2: 'nxt' is no command of lan step; did you mean 'next'?" in err


def test_a_script_tells_events_as_json(says: Says, capture: Path) -> None:
    code, out, _ = says("step", str(capture), "--json", "-b", "dns", given="next\nrun\npdu\nquit\nnonsense\n")
    first, *passed, pdu = map(json.loads, out.splitlines())
    assert code == 0 and (first["number"], first["halt"]) == (1, "done")
    assert (passed[-1]["type"], passed[-1]["halt"], passed[-1]["breakpoint"]) == ("DNS", "breakpoint", 1)
    assert [event["number"] for event in passed] == list(range(2, passed[-1]["number"] + 1))
    assert [each["device"] for each in pdu["devices"]] == ["pc1", "s1"]


def test_flow_and_pdu_as_json(says: Says, capture: Path) -> None:
    flow = json.loads(says("flow", str(capture), "-c", "0", "--json")[1])
    assert flow["columns"] == ["pc1", "web"] and flow["arrows"][0]["states"] == ["SYN-SENT", "LISTEN"]
    listed = json.loads(says("flow", str(capture), "--list", "--json")[1])
    assert len(listed["tcp"]) == 5
    pdu = json.loads(says("pdu", "55", str(capture), "--json", "--device", "s1")[1])
    assert [each["kind"] for each in pdu["devices"]] == ["switch"] and pdu["frame"]["type"] == "HTTP"


def test_step_on_a_terminal_takes_keys_and_gives_the_terminal_back(lan: Command, capture: Path) -> None:
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        lan.argv("step", str(capture)), env=lan.environment({"TERM": "xterm", "COLUMNS": "80", "LINES": "24"}),
        stdin=theirs, stdout=theirs, stderr=theirs, cwd=CHECKOUT, process_group=0,
    )  # fmt: skip
    os.close(theirs)
    try:
        seen = read_until(ours, "1/146")
        assert "\x1b[?1049h" in seen
        os.write(ours, b"n")
        read_until(ours, "2/146")
        os.write(ours, b"/dns\r")
        assert "DNS" in read_until(ours, "41/146")
        os.write(ours, b"q")
        assert "\x1b[?1049l" in read_until(ours, "\x1b[?1049l")
        assert process.wait(timeout=30) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def read_until(terminal: int, text: str) -> str:
    seen = b""
    while text not in seen.decode(errors="replace"):
        assert select.select([terminal], [], [], 30)[0], f"no {text!r} in {seen!r}"
        seen += os.read(terminal, 65536)
    return seen.decode(errors="replace")


@pytest.mark.parametrize("words", [("trace", "-n", "1"), ("pdu", "55"), ("flow", "-c", "0"), ("waterfall",)])
@pytest.mark.parametrize("how", ["stdin", "pipe"])
def test_a_capture_may_come_by_standard_input_or_a_pipe(
    lan: Command, capture: Path, tmp_path: Path, words: tuple[str, ...], how: str
) -> None:
    verb, *more = words
    expected = subprocess.run(
        lan.argv(*words, str(capture)), capture_output=True, text=True, env=lan.environment(), check=True, timeout=180
    ).stdout
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    name = "-" if how == "stdin" else str(pipe)
    with subprocess.Popen(
        lan.argv(verb, *more, name), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=lan.environment()
    ) as program:
        assert program.stdin is not None and program.stdout is not None
        target = program.stdin.buffer if how == "stdin" else pipe.open("wb")  # type: ignore[attr-defined]
        with target:
            target.write(capture.read_bytes())
        told = program.stdout.read()
    assert told == expected and told.strip()


def test_a_part_is_the_same_as_in_the_whole(says: Says, capture: Path) -> None:
    _, whole, _ = says("trace", str(capture), "--hops")
    code, part, _ = says("trace", str(capture), "--hops", "--part", "20-30")
    assert code == 0 and part.splitlines()[1:] == whole.splitlines()[20:31]
    code, drawn, _ = says("flow", str(capture), "--part", "20-30", "--json")
    assert code == 0 and {20 <= arrow["number"] <= 30 for arrow in json.loads(drawn)["arrows"]} == {True}
