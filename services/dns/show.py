"""The zones that a DNS server answers from, as a table: what `lan show dns` runs on the server."""

import json
import sys
from pathlib import Path

from dnslib import QTYPE

from lan.services.dns import zone_file
from lan.services.dns.zone import text_of


def main(arguments: list[str]) -> int:
    """``ZONE-FILE``, or the zones themselves as JSON: prints ``{"columns": […], "rows": [[…]]}``."""
    given = arguments[0]
    text, where = (given, "the zone") if given.startswith("{") else (Path(given).read_text(), Path(given).name)
    rows = [
        [text_of(name), QTYPE[kind], str(record.ttl), str(record.rdata)]
        for zone in zone_file.parse(text, where=where)
        for name, sets in zone.nodes.items()
        for kind, records in sets.items()
        for record in records
    ]
    json.dump({"columns": ["name", "type", "ttl_s", "data"], "rows": rows}, sys.stdout)
    return 0
