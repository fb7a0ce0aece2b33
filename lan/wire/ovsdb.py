"""OVSDB: the questions and answers of Open vSwitch's database.  RFC 7047; ovs-vswitchd.conf.db(5).

Pure: values in, JSON-RPC bytes out; bytes in, messages out.  Nothing here opens a socket.  The daemon
is told that the configuration changed by a higher `next_cfg`, and says by `cur_cfg` how far it is.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

DATABASE = "Open_vSwitch"
_ROOT = "Open_vSwitch"
Operation = dict[str, Any]


class OvsdbError(Exception):
    """The database refused something; the message says what and why."""


def request(method: str, params: object, identity: int) -> bytes:
    """One JSON-RPC request (§4)."""
    return json.dumps({"method": method, "params": params, "id": identity}, separators=(",", ":")).encode()


def transact(operations: Sequence[Operation], identity: int) -> bytes:
    """A transaction: all of it happens or nothing (§4.1.3)."""
    return request("transact", [DATABASE, *operations], identity)


def watch_progress(identity: int) -> bytes:
    """Ask to be told of each new `cur_cfg` (§4.1.5); the first answer tells what it is now."""
    return request("monitor", [DATABASE, None, {_ROOT: {"columns": ["cur_cfg"]}}], identity)


def echo_reply(message: Mapping[str, Any]) -> bytes:
    """What the server's question whether we are there wants to hear (§4.1.11)."""
    return json.dumps({"result": message["params"], "error": None, "id": message["id"]}).encode()


class Messages:
    """Cuts a stream into messages: they follow each other without anything between."""

    def __init__(self) -> None:
        self._decoder, self._text = json.JSONDecoder(), ""
        self._bytes = b""

    def feed(self, data: bytes) -> list[dict[str, Any]]:
        """The messages that `data` completes.  Raises OvsdbError for what is no JSON object."""
        self._bytes += data
        found: list[dict[str, Any]] = []
        try:
            text = self._bytes.decode()
        except UnicodeDecodeError:  # the middle of a character: more will come
            return found
        place = 0
        while place < len(text):
            if text[place] != "{":
                raise OvsdbError(f"no JSON object: {text[place : place + 40]!r}")
            try:
                message, place = self._decoder.raw_decode(text, place)
            except json.JSONDecodeError:  # not whole yet
                break
            found.append(message)
        self._bytes = text[place:].encode()
        return found


def results(message: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What each operation of a transaction gave.  Raises OvsdbError with the first fault (§4.1.3)."""
    if message.get("error"):
        raise OvsdbError(json.dumps(message["error"]))
    found: list[dict[str, Any]] = [result or {} for result in message["result"]]
    for result in found:
        if "error" in result:
            raise OvsdbError(f"{result['error']}: {result.get('details', 'no details')}")
    return found


def progress(message: Mapping[str, Any]) -> int | None:
    """The `cur_cfg` that an update or the first answer of a watch tells, if it tells one."""
    tables = message["params"][1] if message.get("method") == "update" else message.get("result")
    rows = tables.get(_ROOT, {}) if isinstance(tables, dict) else {}
    found = [row["new"]["cur_cfg"] for row in rows.values() if "cur_cfg" in row.get("new", {})]
    return found[-1] if found else None


# ---- operations


def new_root() -> Operation:
    """The one row that an empty database lacks."""
    return {"op": "insert", "table": _ROOT, "row": {}}


def next_configuration() -> list[Operation]:
    """Ask the daemon to act, and for the number that says, as `cur_cfg`, that it has: the last result."""
    return [
        {"op": "mutate", "table": _ROOT, "where": [], "mutations": [["next_cfg", "+=", 1]]},
        {"op": "select", "table": _ROOT, "where": [], "columns": ["next_cfg"]},
    ]


def new_bridge(name: str, controller: str, columns: Mapping[str, Any], maps: Mapping[str, str]) -> list[Operation]:
    """A bridge with its local port and its controller; `columns` are its own, `maps` its other_config."""
    row = {"name": name, "ports": _named(f"port_{name}"), "controller": _named(f"controller_{name}"), **columns}
    row["other_config"] = ["map", [[key, value] for key, value in maps.items()]]
    heard = {"target": controller, "max_backoff": 1000, "inactivity_probe": 0, "connection_mode": "out-of-band"}
    return [
        _insert("Interface", f"interface_{name}", {"name": name, "type": "internal"}),
        _insert("Port", f"port_{name}", {"name": name, "interfaces": _named(f"interface_{name}")}),
        _insert("Controller", f"controller_{name}", heard),
        _insert("Bridge", f"bridge_{name}", row),
        _mutate(_ROOT, [], "bridges", "insert", [_named(f"bridge_{name}")]),
    ]


def new_ports(bridge: str, ports: Iterable[tuple[str, int]]) -> list[Operation]:
    """Plug (interface, OpenFlow port number) into a bridge."""
    found: list[Operation] = []
    added = []
    for interface, number in ports:
        there = {"name": interface, "ofport_request": number}
        found.append(_insert("Interface", f"interface_{interface}", there))
        found.append(
            _insert("Port", f"port_{interface}", {"name": interface, "interfaces": _named(f"interface_{interface}")})
        )
        added.append(_named(f"port_{interface}"))
    found.append(_mutate("Bridge", _is("name", bridge), "ports", "insert", added))
    return found


def find(table: str, name: str) -> Operation:
    """Ask for the row of that name."""
    return {"op": "select", "table": table, "where": _is("name", name), "columns": ["_uuid"]}


def found_uuids(result: Mapping[str, Any]) -> list[list[str]]:
    """The rows that a `find` found."""
    return [row["_uuid"] for row in result["rows"]]


def drop_ports(bridge: str, uuids: Sequence[list[str]]) -> Operation:
    """Take ports off a bridge; their rows go with the last that names them."""
    return _mutate("Bridge", _is("name", bridge), "ports", "delete", uuids)


def drop_bridges(uuids: Sequence[list[str]]) -> Operation:
    """Take bridges away."""
    return _mutate(_ROOT, [], "bridges", "delete", uuids)


def faults() -> Operation:
    """Ask which interfaces the daemon could not open."""
    where = [["error", "!=", ["set", []]]]
    return {"op": "select", "table": "Interface", "where": where, "columns": ["name", "error"]}


def _insert(table: str, name: str, row: Mapping[str, Any]) -> Operation:
    return {"op": "insert", "table": table, "uuid-name": _plain(name), "row": row}


def _mutate(table: str, where: list[Any], column: str, how: str, values: Sequence[list[str]]) -> Operation:
    return {"op": "mutate", "table": table, "where": where, "mutations": [[column, how, ["set", list(values)]]]}


def _is(column: str, value: str) -> list[Any]:
    return [[column, "==", value]]


def _named(name: str) -> list[str]:
    return ["named-uuid", _plain(name)]


def _plain(name: str) -> str:
    """A name as an <id> of §3.1: letters, digits and underscores; different names stay different."""
    return "".join(char if char.isascii() and char.isalnum() else f"_{ord(char):x}_" for char in name)
