"""What a firewall does with a packet: the rules that ``nft -j list ruleset`` prints, walked as the kernel walks them.

Pure.  nft(8), libnftables-json(5).  A match that is not known here counts as one that does not apply, so a rule is
never blamed for what it may not have done.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from ipaddress import ip_address, ip_network
from typing import Any

from lan.reasons import Sentence

ACCEPT, DROP, REJECT = "accept", "drop", "reject"
FAMILIES = {"arp": {"arp"}}
"""Protocol → families of tables that see it; all others are seen by these:"""
IP_FAMILIES = {"ip", "inet"}


@dataclass(frozen=True, slots=True)
class Packet:
    """The packet that is followed; `state` is conntrack's word for it."""

    protocol: str
    src: str
    dst: str
    sport: int = 0
    dport: int = 0
    state: str = "new"
    icmp_type: str = "echo-request"

    def back(self) -> "Packet":
        """The answer to it."""
        kind = "echo-reply" if self.protocol == "icmp" else self.icmp_type
        return replace(
            self,
            src=self.dst,
            dst=self.src,
            sport=self.dport,
            dport=self.sport,
            state="established",
            icmp_type=kind,
        )

    def words(self) -> Sentence:
        """``TCP port 80``, ``ICMP echo request``, ``ARP``."""
        if self.protocol == "icmp":
            return Sentence("ICMP {type}", type=self.icmp_type.replace("-", " "))
        name, port = self.protocol.upper(), self.dport or self.sport
        return (
            Sentence("{protocol} port {number}", protocol=name, number=port)
            if port
            else Sentence("{protocol}", protocol=name)
        )


@dataclass(frozen=True, slots=True)
class Stopped:
    """Who stopped a packet: a rule, or a chain's policy (`handle` 0)."""

    verdict: str
    family: str
    table: str
    chain: str
    hook: str
    text: str
    handle: int = 0

    def remedy(self) -> str:
        """The nft words that take it away."""
        where = f"{self.family} {self.table} {self.chain}"
        if self.handle:
            return f"nft delete rule {where} handle {self.handle}"
        return f"nft 'chain {where} {{ policy accept; }}'"


def stopped(
    ruleset: list[dict[str, Any]], hooks: tuple[str, ...], packet: Packet, iif: str = "", oif: str = ""
) -> Stopped | None:
    """Who drops or rejects the packet on its way through some hooks; None where it passes."""
    bases = [item["chain"] for item in ruleset if "chain" in item and item["chain"].get("hook") in hooks]
    families = FAMILIES.get(packet.protocol, IP_FAMILIES)
    wanted = [base for base in bases if base["family"] in families and base.get("type") in (None, "filter")]
    for base in sorted(wanted, key=lambda one: (hooks.index(one["hook"]), one.get("prio", 0))):
        walk = _Walk(ruleset, packet, {"iifname": iif, "oifname": oif, "iif": iif, "oif": oif}, base)
        if (end := walk.chain(base["name"], 0)) is not None:
            if end.verdict != ACCEPT:
                return end
        elif base.get("policy") == DROP:
            where = (base["family"], base["table"], base["name"], base["hook"])
            return Stopped(DROP, *where, "policy drop")
    return None


@dataclass(frozen=True, slots=True)
class _Walk:
    ruleset: list[dict[str, Any]]
    packet: Packet
    interfaces: dict[str, str]
    base: dict[str, Any]

    def chain(self, name: str, depth: int) -> Stopped | None:
        """The verdict that ends the walk, accept too; None where the chain's end is reached."""
        for rule in self._rules(name):
            if (end := self._rule(rule, depth)) is not None:
                return end if end.verdict else None
        return None

    def _rules(self, chain: str) -> Iterator[dict[str, Any]]:
        place = (self.base["family"], self.base["table"], chain)
        for item in self.ruleset:
            rule = item.get("rule")
            if rule is not None and (rule["family"], rule["table"], rule["chain"]) == place:
                yield rule

    def _rule(self, rule: dict[str, Any], depth: int) -> Stopped | None:
        """The rule's verdict; one with "" for `return`; None where it has none or does not apply."""
        for statement in rule["expr"]:
            [(kind, value)] = statement.items()
            if kind == "match" and not self._applies(value):
                return None
            if kind in (ACCEPT, DROP, REJECT, "return"):
                return self._end("" if kind == "return" else kind, rule)
            if kind in ("jump", "goto") and depth < 16:
                end = self.chain(value["target"], depth + 1)
                if end is not None or kind == "goto":
                    return end or self._end("", rule)
        return None

    def _end(self, verdict: str, rule: dict[str, Any]) -> Stopped:
        place = (rule["family"], rule["table"], rule["chain"], self.base["hook"])
        return Stopped(verdict, *place, text(rule), rule["handle"])

    def _applies(self, match: dict[str, Any]) -> bool:
        here = self._value(match["left"])
        if here is None:
            return False
        held = _among(here, match["right"])
        return not held if match["op"] == "!=" else held if match["op"] in ("==", "in") else False

    def _value(self, left: Any) -> str | int | None:
        """What the packet has there; None where it has no such thing, or nobody here knows."""
        if not isinstance(left, dict):
            return None
        [(kind, what)] = left.items()
        if kind == "meta":
            known = {"l4proto": self.packet.protocol, "protocol": "ip", "nfproto": "ipv4"}
            found: str | None = (known | self.interfaces).get(what["key"])
            return found
        if kind == "ct":
            return self.packet.state if what.get("key") == "state" else None
        return self._payload(what) if kind == "payload" else None

    def _payload(self, what: dict[str, Any]) -> str | int | None:
        packet, protocol, name = self.packet, what.get("protocol"), what.get("field")
        if protocol == "ip":
            return {"saddr": packet.src, "daddr": packet.dst, "protocol": packet.protocol}.get(str(name))
        if protocol == "icmp" and packet.protocol == "icmp":
            return packet.icmp_type if name == "type" else None
        if protocol in (packet.protocol, "th") and packet.protocol in ("tcp", "udp"):
            return {"sport": packet.sport, "dport": packet.dport}.get(str(name))
        return None


def _among(here: str | int, right: Any) -> bool:
    if isinstance(right, list):
        return any(_among(here, one) for one in right)
    if not isinstance(right, dict):
        return _same(here, right)
    [(kind, value)] = right.items()
    if kind == "set":
        return any(_among(here, one) for one in value)
    if kind == "prefix":
        return _address(here) is not None and ip_address(str(here)) in ip_network(f"{value['addr']}/{value['len']}")
    if kind == "range":
        low, high = value
        if isinstance(low, int) and isinstance(here, int):
            return low <= here <= int(high)
        return _address(here) is not None and int(ip_address(low)) <= int(ip_address(str(here))) <= int(
            ip_address(high)
        )
    return False


def _same(here: str | int, right: Any) -> bool:
    if isinstance(right, str) and right.endswith("*"):
        return str(here).startswith(right[:-1])
    return str(here) == str(right)


def _address(text: str | int) -> str | None:
    try:
        return str(ip_address(str(text)))
    except ValueError:
        return None


def text(rule: dict[str, Any]) -> str:
    """A rule as ``nft list`` would print it, near enough to be found there."""
    return " ".join(filter(None, (_statement(*next(iter(each.items()))) for each in rule["expr"])))


def _statement(kind: str, value: Any) -> str:
    if kind == "match":
        op = "" if value["op"] in ("==", "in") else f"{value['op']} "
        return f"{_left(value['left'])} {op}{_right(value['right'])}"
    if kind == "reject" and isinstance(value, dict) and value.get("type"):
        return f"reject with {value['type']}" + (f" {value['expr']}" if "expr" in value else "")
    if kind in ("jump", "goto"):
        return f"{kind} {value['target']}"
    return kind


def _left(left: Any) -> str:
    [(kind, what)] = left.items() if isinstance(left, dict) and len(left) == 1 else [("", left)]
    if kind == "payload" and "field" in what:
        return f"{what['protocol']} {what['field']}"
    if kind in ("meta", "ct"):
        return str(what["key"]) if "if" in what["key"] else f"{kind} {what['key']}"
    return str(what)


def _right(right: Any) -> str:
    if isinstance(right, list):
        return ",".join(map(_right, right))
    if isinstance(right, dict):
        [(kind, value)] = right.items()
        if kind == "set":
            return "{ " + ", ".join(map(_right, value)) + " }"
        if kind == "prefix":
            return f"{value['addr']}/{value['len']}"
        if kind == "range":
            return f"{_right(value[0])}-{_right(value[1])}"
    return str(right)
