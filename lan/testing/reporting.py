"""What a failed test's report has besides: the frames that matter as ladders, and the capture file."""

from pathlib import Path

import pytest

from lan.errors import LanError
from lan.testing import evidence
from lan.testing.factory import Factory
from lan.testing.net import Net


def explain(item: pytest.Item, report: pytest.TestReport) -> None:
    """Add a section for each LAN of the test; its capture's path is a property of the report too."""
    nets = _nets(item)
    for number, net in enumerate(nets, start=1):
        name = evidence.file_name(item.nodeid)
        path = _folder(item.config, net) / (name if len(nets) == 1 else f"{number}-{name}")
        report.sections.append((f"LAN {net.running.name}", "\n".join(filter(None, [net.explain(), _saved(net, path)]))))
        item.user_properties.append(("lan_capture", str(path)))


def _saved(net: Net, path: Path) -> str:
    try:
        frames, drops = net.save_capture(path), net.drops
    except LanError as error:
        return f"capture  {path}, as far as it was read: {error.what}"
    except OSError as error:
        return f"no capture: {error}"
    lost = f"; {drops} were lost" if drops else ""
    looked = "; those that the test looked at say so in a comment" if net.notebook.looks else ""
    return f"capture  {path}\n         {frames} frames{lost}{looked}"


def _nets(item: pytest.Item) -> list[Net]:
    found = []
    for value in (getattr(item, "funcargs", None) or {}).values():
        if isinstance(value, Net):
            found.append(value)
        elif isinstance(value, Factory):
            found += value.made
    return found


def _folder(config: pytest.Config, net: Net) -> Path:
    if chosen := config.getoption("lan_captures"):
        return config.invocation_params.dir / str(chosen)
    if report := config.getoption("xmlpath", None):
        return config.invocation_params.dir / Path(report).parent
    return net.state
