"""Cables: their ends, their options, and the loops they must not close."""

from collections import deque
from collections.abc import Iterator

from lan.links import schedule, words
from lan.links.words import OptionError
from lan.topo.checks.facts import Facts
from lan.topo.problem import Problem
from lan.topo.schema import shown
from lan.topo.segments import Groups
from lan.topo.spec import Link

SPANNING_TREE = "stp"
"""The switch option (Mininet's) that makes loops harmless."""

KNOWN = {"port1", "port2", "key", "intfName1", "intfName2", "addr1", "addr2", "params1", "params2", "at"}
"""What a cable has beside the options that `lan.links.words` reads."""
REFUSED = {
    **dict.fromkeys(("use_hfsc", "use_tbf"), "leave it out: bw alone limits the rate"),
    **dict.fromkeys(("enable_ecn", "enable_red"), "leave it out: the queue of a cable drops at its tail"),
    **dict.fromkeys(("speedup", "latency_ms"), "leave it out: a queue's size is max_queue_size"),
    **dict.fromkeys(("gro", "txo", "rxo"), "leave it out: frames have their true size"),
    **dict.fromkeys(("rate", "queue"), "bw=10 is a rate in Mbit/s, max_queue_size=50 a queue in frames"),
    **dict.fromkeys(("cls", "cls1", "cls2", "intf", "fast"), "leave it out: every cable is of one kind"),
}
"""Mininet's options that mean nothing here, and what others would write; each with its remedy."""
LOOPS_TOLD = 5


def options(facts: Facts) -> Iterator[Problem]:
    """A cable's options are known, right, and go together: never ignored."""
    for link in facts.lan.links:
        if not link.options:
            continue
        for name in link.options:
            if name in REFUSED:
                what = f"{_ends(link)}: the option {name!r} does not work here"
                yield Problem(link.where, what, todo=REFUSED[name])
            elif name not in KNOWN | words.FILE_NAMES:
                known = KNOWN | words.FILE_NAMES
                what = f"{_ends(link)}: a cable has no option {name!r}{facts.speller.meant(name, known)}"
                yield Problem(link.where, what, "one of " + ", ".join(sorted(known)))
        for params in ("params1", "params2"):
            if not isinstance(link.options.get(params) or {}, dict):
                what = f"{_ends(link)}: {params} {shown(link.options[params])} is not a mapping"
                yield Problem(link.where, what, f"{params}={{'ip': '10.0.1.1/24', 'loss': 1}}")
        yield from (_told(link, fault) for fault in words.read_file(link.options)[1])
        yield from (_told(link, fault) for fault in schedule.read(link.options)[1])


def _told(link: Link, fault: OptionError) -> Problem:
    return Problem(link.where, f"{_ends(link)}: {fault.what}", fault.expected, fault.todo)


def ends(facts: Facts) -> Iterator[Problem]:
    """A cable joins two devices, at ports that are free; a host has one."""
    taken: dict[tuple[str, str], Link] = {}
    for link in facts.lan.links:
        if link.a.device == link.b.device:
            what = f"{link.a.device} is linked to itself"
            yield Problem(link.where, what, "two different devices")
            continue
        for port in (link.a, link.b):
            first = taken.setdefault((port.device, port.interface), link)
            if first is not link:
                what = f"{_ends(link)}: {port} holds the cable {_ends(first)}{_at(first)} already"
                yield Problem(link.where, what, "one cable for each port")
    for host in facts.lan.hosts:
        if not facts.ends[host.name]:
            what = f"{host.name} has no cable"
            todo = f"self.addLink({host.name!r}, …)"
            yield Problem(host.where, what, "a cable to a switch or another host", todo, is_warning=True)


def loops(facts: Facts) -> Iterator[Problem]:
    """Without spanning tree a broadcast circles in a loop of switches for ever."""
    flooding = {switch.name for switch in facts.lan.switches if not switch.options.get(SPANNING_TREE)}
    groups, tree, closing = Groups(), dict[str, list[tuple[str, Link]]](), []
    for link in facts.lan.links:
        a, b = link.a.device, link.b.device
        if a == b or a not in flooding or b not in flooding:
            continue
        if groups.join(a, b):
            tree.setdefault(a, []).append((b, link))
            tree.setdefault(b, []).append((a, link))
        else:
            closing.append(link)
    todo = "remove one of these cables"
    if any(facts.takes(switch, SPANNING_TREE) for switch in facts.lan.switches):
        todo += f", or give the switches {SPANNING_TREE}=True"
    for link in closing[:LOOPS_TOLD]:
        yield Problem(link.where, *_loop(link, _path(tree, link.b.device, link.a.device)), todo)
    if len(closing) > LOOPS_TOLD:
        more = closing[LOOPS_TOLD:]
        what = f"{len(more)} more cables close loops, from {_ends(more[0])} on"
        yield Problem(more[0].where, what, "a tree of switches", todo)


def _loop(link: Link, path: list[Link]) -> tuple[str, str]:
    """What is wrong and what was expected."""
    if len(path) == 1:
        return (
            f"a second cable between {link.a.device} and {link.b.device} closes a loop{_beside(path[0])}",
            "one cable between two switches: without spanning tree broadcasts circle for ever",
        )
    others = ", ".join(f"{_ends(each)}{_at(each)}" for each in path)
    return (
        f"the cable {_ends(link)} closes a loop with {others}",
        "a tree of switches: without spanning tree broadcasts circle for ever",
    )


def _path(tree: dict[str, list[tuple[str, Link]]], start: str, goal: str) -> list[Link]:
    """The cables from one switch to another."""
    came: dict[str, tuple[str, Link] | None] = {start: None}
    waiting = deque([start])
    while waiting and goal not in came:
        here = waiting.popleft()
        for there, link in tree[here]:
            if there not in came:
                came[there] = (here, link)
                waiting.append(there)
    path, step = [], came[goal]
    while step is not None:
        path.append(step[1])
        step = came[step[0]]
    return path[::-1]


def _ends(link: Link) -> str:
    return f"{link.a.device} – {link.b.device}"


def _at(link: Link) -> str:
    return f" (line {link.where.line})" if link.where and link.where.line else ""


def _beside(link: Link) -> str:
    return f" with that of {link.where}" if link.where and link.where.line else ""
