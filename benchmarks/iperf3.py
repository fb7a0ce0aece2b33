"""One stream of iperf3, for the benchmarks: its server listens before its client begins, and outlives it never."""

import json
import subprocess
from collections.abc import Callable

SERVER = ("iperf3", "-s", "-1", "--forceflush")


def mbit_s(server: "subprocess.Popen[str]", ask: Callable[[], str]) -> float:
    """Mbit/s that arrived.  `server` is `SERVER`, its stdout a pipe; `ask` runs the client and returns what `-J` tells.

    Raises RuntimeError with iperf3's own words, and whatever `ask` raises; the server is gone then.
    """
    assert server.stdout is not None
    with server:
        try:
            said = ""
            while "listening" not in said:
                line = server.stdout.readline()
                if not line:
                    raise RuntimeError(f"iperf3's server ended before it listened: {said.strip() or 'it said nothing'}")
                said += line
            told = json.loads(ask())
            if "error" in told:
                raise RuntimeError(f"iperf3: {told['error']}")
            server.communicate()
        except BaseException:
            server.kill()
            raise
    return float(told["end"]["sum_received"]["bits_per_second"]) / 1e6
