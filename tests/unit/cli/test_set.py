"""lan set: without a setting the device's keys are told, and a misspelt dhcp is no address."""

import argparse

import pytest

from lan.cli.screen import Screen
from lan.cli.verbs import set as verb
from lan.control import client
from lan.devices.kinds import model_of, schemas
from lan.errors import UsageError
from lan.topo.load import load


def test_without_a_setting_the_keys_of_the_device_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    spec = load("office", schemas())
    monkeypatch.setattr(client, "connect", lambda name: argparse.Namespace(spec=spec, device=spec.devices.get))
    options = argparse.Namespace(device="dns", settings=[], lan=None, json=False)
    with pytest.raises(UsageError, match="lan set dns: which setting") as caught:
        verb.run(options, Screen())
    keys = str(caught.value.expected).rpartition("keys are ")[2].split(", ")
    assert {"ip", "record", "zone"} <= set(keys) and keys == sorted(keys)


@pytest.mark.parametrize("text", ["dchp", "DHCP", "dhpc"])
def test_a_misspelt_dhcp_is_no_address(text: str) -> None:
    spec = load("office", schemas())
    pc1 = model_of(spec.devices["pc1"], spec)
    with pytest.raises(UsageError, match="did you mean 'dhcp'"):
        pc1.change("ip", text)
    assert pc1.change("ip", "dhcp") == {"dhcp": True, "ip": None}
    assert pc1.change("ip", "10.0.0.9/8") == {"dhcp": False, "ip": "10.0.0.9/8"}
