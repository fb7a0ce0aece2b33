"""What a user gets wrong at the command line: exact words, right exit code, never a traceback.

`misuse.txt` is the transcript: first with no LAN up, then with the office up.  After a change that is
meant, `LAN_GOLDEN=write` writes it anew; read the difference as code is read.
"""

import os
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from ..command import Command

GOLDEN = Path(__file__).with_name("misuse.txt")
WITHOUT_A_LAN = """\
rnu office
run
run ofice
run nofile.py
run office --switch hub
run office --nmae x
run office --no-trace
run office --snaplen 128
up office --no-trace --snaplen 128
up office --trace-files 3
up office --trace-size 1
test -n x
run office --pcap /nonexistent/x.pcapng
run single:x
run single:0
run single:999999
up office --name a/b
exec
exec pc1 -- ls
console pc1
ping pc1 web
show mac
set pc1 ip=dhcp
link pc1 s1 sideways
link pc1 s1 dealy
link pc1 s1 dealy=5ms
link pc1 s1 delay=5ms delay=6ms
link pc1 s1 delay=5ms loss
link pc1 s1 down now
link pc1 s1 flap
link pc1 s1 down --from pc1
up office --link netem
down nolan
validate nofile.py
validate README.md
graph nothing
serve smtp
serve http --listen nowhere:99999
serve http --root /nonexistent --listen 127.0.0.1:0
serve proxy --kind clever
serve proxy --kind dumb --auth kim:secret
serve proxy --intercept --redirect eth0;reboot:80
serve dhcp --interface lo --subnet 10.0.0.0/99 --pool 10.0.0.1-10.0.0.9
status extra
test nolan
sandbox
trace
"""
WITH_THE_OFFICE = """\
up office
set pc1 ip=1
set pc1 ip=10.0.0.1/99
set pc1 ip=192.168.100.253/24
set pc1 ipp=3
set pc1 ip
set web https=maybe
set web closes_first=nobody
set dhcp pool=x
set dhcp lease_s=-1
set dns record=www
set dns record=a.test:300.1.1.1
set pc9 ip=dhcp
link pc1 web down
link pc1 s9 down
link pc1 s1 dealy=5ms
link pc1 s1 delay=5
link pc1 s1 delay=5MB
link pc1 s1 delay=1h
link pc1 s1 delay=90s
link pc1 s1 bw=10
link pc1 s1 bw=10mbps
link pc1 s1 bw=2gbit
link pc1 s1 loss=10
link pc1 s1 loss=101%
link pc1 s1 loss=
link pc1 s1 jitter=5ms
link pc1 s1 reorder=10%
link pc1 s1 max_queue_size=50
link pc1 s1 delay=5ms distribution=gauss jitter=1ms
link pc1 s1 delay=5ms --from web
link pc1 s1 flap 200 5
link pc1 s1 flap 200ms 0
show queue
show macs
show mac pc1
inspect pc9
exec pc9 -- ls
exec pc1
exec --user nosuchuser pc1 -- id
exec --env BARE pc1 -- ls
exec pc1 -- nosuchprogram
exec pc1 -- /etc/hostname
exec -l other pc1 -- ls
ping pc1
down offic
stop pc9
"""


def transcript(lan: Command, commands: str) -> str:
    told = []
    lines = commands.splitlines()
    with ThreadPoolExecutor(os.cpu_count()) as beside:  # none changes anything, so none sees another
        all_ended = list(beside.map(lambda line: lan.run(*line.split()), lines))
    for line, ended in zip(lines, all_ended, strict=True):
        assert "Traceback" not in ended.out + ended.err, f"{line} {ended}"
        assert ended.code not in (0, 1), f"{line} {ended}"
        said = re.sub(r"\(choose from .*\)", lambda found: found[0].replace("'", ""), ended.err + ended.out)
        said = said.replace("required: device, -- PROGRAM …", "required: device")
        told.append(f"$ lan {line}\n{said}[{ended.code}]\n")  # argparse has no quotes, and no rest, in newer Pythons
    return "\n".join(told)


def test_misuse_is_answered_in_these_words(lan: Command) -> None:
    told = transcript(lan, WITHOUT_A_LAN)
    lan.run("up", "office", check=0)
    try:
        told += "\n" + transcript(lan, WITH_THE_OFFICE)
    finally:
        lan.run("down", "office")
    if os.environ.get("LAN_GOLDEN") == "write":
        GOLDEN.write_text(told)
    assert told == GOLDEN.read_text()


def test_json_errors_have_the_four_parts(lan: Command) -> None:
    ended = lan.run("run", "ofice", "--json")
    assert ended.code == 2
    assert ended.json == {
        "schema": 1,
        "ok": False,
        "error": {
            "what": "'ofice' names no topology; did you mean 'office'?",
            "where": None,
            "expected": ended.json["error"]["expected"],
            "try": None,
        },
    }


def test_help_fits_a_screen_and_names_every_verb(lan: Command) -> None:
    out = lan.run("--help", check=0).out
    assert len(out.splitlines()) <= 40
    for verb in ("run", "up", "down", "exec", "show", "link", "test"):
        assert re.search(rf"^  {verb} ", out, re.MULTILINE)
    assert all(len(line) <= 120 for line in out.splitlines())


def test_a_mistake_in_a_topology_names_file_and_line(lan: Command, tmp_path: Path) -> None:
    file = tmp_path / "wrong.py"
    file.write_text(
        "from mininet.topo import Topo\n\n\nclass Wrong(Topo):\n    def build(self):\n"
        '        self.addHost("pc1", kind="pcc")\n\n\ntopos = {"wrong": Wrong}\n'
    )
    ended = lan.run("up", "wrong.py", cwd=tmp_path, env={"PYTHONSAFEPATH": "1"})
    assert ended.code == 2
    assert ended.err.startswith("lan: wrong.py:6: pc1: unknown kind 'pcc'; did you mean 'pc'?\n  expected  ")
