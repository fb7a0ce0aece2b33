"""docs/trace.md: its commands are run on one LAN; the views as a user has them, of a LAN and of a file."""

import json
import os
import pty
import re
import select
import subprocess
from pathlib import Path

import pytest

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
        [script] = [block for language, block in BLOCKS if language == "sh"]
        commands = "".join(f"{line}\n" for line in script.splitlines()[1:-1])
        stepped = lan.run("step", "office.pcapng", check=0, cwd=tmp_path, input=commands).out
    finally:
        lan.run("down", "seen")
    assert " pc1         everyone  DHCP   DISCOVER" in told["lan trace"]
    assert " s1          dns       " in told["lan trace --hops -n 20"]
    [syn] = told["lan trace --filter 'dst=web and tcp.flags.syn'"].splitlines()[1:]
    assert " pc1         web       TCP " in syn and "[SYN]" in syn
    assert "·" in told["lan trace --why"] and "learned" in told["lan trace --why"]
    assert "── s1 · switch ─" in told["lan pdu 1"] and "7 DHCP, DISCOVER   bytes 42–" in told["lan pdu 1"]
    at_s1 = told["lan pdu 1 --device s1 --layer udp"]
    assert "── pc1" not in at_s1 and "67 (DHCP" in at_s1
    assert "DNS A www.ark-inflearn.com?" in told["lan flow"]
    assert "TCP -c 0" in told["lan flow --list"]
    assert "TIME-WAIT" in told["lan flow -c 0"]
    assert (tmp_path / "connection.svg").read_text().startswith("<svg")
    event = json.loads(told["lan trace office.pcapng --json -n 1"])
    assert event["schema"] == 1 and {"last_device", "at_device", "type", "layers", "connection"} <= set(event)
    assert "breakpoint 1: tcp.flags.fin and dst=web" in stepped and "FIN" in stepped and "In Layers" in stepped


def test_every_key_of_an_event_stands_in_the_page(lan: Command, capture: Path) -> None:
    event = json.loads(lan.run("trace", str(capture), "--json", "-n", "1", check=0).out)
    table = PAGE[PAGE.index("| key of an event") :]
    assert set(event) <= set(re.findall(r"`(\w+)`", table))


def test_a_mistake_says_what_to_do_and_ends_with_2(lan: Command, capture: Path) -> None:
    for words, said in {
        ("trace", str(capture), "--filter", "dts=web"): "did you mean 'dst'?",
        ("trace", "README.md"): "not a capture",
        ("trace", str(capture), "-f"): "-f follows a LAN that is up",
        ("pdu", "999", str(capture)): "has no frame 999",
        ("pdu", "1", str(capture), "--layer", "tpc"): "has no layer 'tpc'",
        ("pdu", "55", str(capture), "--device", "wbe"): "did you mean 'web'?",
        ("flow", str(capture), "-c", "9"): "has no TCP connection 9",
        ("flow", str(capture), "-c", "0", "--hops"): "from end to end",
        ("trace", "--topology", "office"): "--topology tells the names of a FILE's devices",
    }.items():
        ended = lan.run(*words)
        assert ended.code == 2 and said in ended.err and "Traceback" not in ended.err, f"{words} {ended}"


def test_a_wrong_line_ends_a_script_with_its_number(lan: Command, capture: Path) -> None:
    ended = lan.run("step", str(capture), input="next\nnxt\nnext\n")
    assert ended.code == 2 and len(ended.out.splitlines()) == 1
    assert "line 2: 'nxt' is no command of lan step; did you mean 'next'?" in ended.err


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
        assert "DNS" in read_until(ours, "21/146")
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
