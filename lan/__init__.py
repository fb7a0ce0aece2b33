"""lan: a virtual LAN whose devices are Linux network namespaces, checked by packets.

In a checkout `services/`, `topologies/` and `labs/` lie beside this folder, as their readers expect;
they are imported as `lan.services` and so on, so that an installed lan adds one top-level name.
"""

from pathlib import Path

__version__ = "0.1.0"

_house = Path(__file__).resolve().parent.parent
if (_house / "pyproject.toml").is_file() and (_house / "services").is_dir():
    __path__.append(str(_house))
