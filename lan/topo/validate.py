"""Every rule of lan/topo/checks, asked of one LAN."""

from collections.abc import Mapping
from lan.topo.problem import Problem, Speller
from lan.topo.schema import KindSchema, validate_options
from lan.topo.spec import Lan
def validate(lan: Lan, kinds: Mapping[str, KindSchema]) -> list[Problem]:
    return [p for d in lan.devices.values() for p in validate_options(d, kinds[d.kind])]
