"""What was asked of cables and what was measured: delay, rate, loss, faults, throughput, a hundred at once.

    bin/lan python benchmarks/links.py [--quick] [--json] [--cpu N]

Lays cables between namespaces of its own, carried by the userspace link, and sends numbered frames.
The carrier runs on processor N (0), this sender and receiver on the others.  A row's last column
says whether it keeps the promise (median within 0.3 ms or 2 %, 99th percentile of added delay under
1 ms, rate within 2 %, shares within three standard deviations, 50 000 small frames a second,
300 Mbit/s of full ones): on an idle machine; nothing is asserted.
"""

import argparse
import json

from benchmarks.links_bed import Bed, enter_bubble
from benchmarks.links_measures import Row, load, measures

WIDTHS = (24, 24, 18)


def shown(row: Row) -> str:
    cells = [cell.ljust(width) for cell, width in zip((row.what, row.asked, row.measured), WIDTHS, strict=True)]
    return "".join(cells) + f"{'kept' if row.holds else 'MISSED':8}" + row.spread


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--quick", action="store_true", help="a tenth of the frames")
    parser.add_argument("--json", action="store_true", help="one JSON object")
    parser.add_argument("--cpu", type=int, default=0, metavar="N", help="the carrier's processor")
    options = parser.parse_args()
    bed = Bed(cpu=options.cpu)
    try:
        priority, before, rows = bed.show()["priority"], load(), list[Row]()
        if not options.json:
            print(f"the userspace link, priority {priority}, {before}\n")
            print("what".ljust(WIDTHS[0]) + "asked".ljust(WIDTHS[1]) + "measured".ljust(WIDTHS[2]) + "        spread")
        for row in measures(bed, quick=options.quick):
            rows.append(row)
            if not options.json:
                print(shown(row), flush=True)
        if options.json:
            told = {"priority": priority, "load": [before, load()], "rows": [row.as_json() for row in rows]}
            print(json.dumps(told, indent=1))
        else:
            print(f"\n{load()}")
    finally:
        bed.close()


if __name__ == "__main__":
    enter_bubble()
    main()
