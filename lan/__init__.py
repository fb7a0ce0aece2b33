"""lan: a virtual LAN whose devices are Linux network namespaces, checked by packets.

In a checkout `services/`, `topologies/` and `labs/` lie beside this folder, as their readers expect;
they are imported as `lan.services` and so on, so that an installed lan adds one top-level name.
"""

import os

__version__ = "0.1.0"

# With what the interpreter has loaded anyway: an interrupt within an import would be told by a traceback.
_house = os.path.dirname(os.path.dirname(os.path.realpath(__file__)))  # noqa: PTH120
if os.path.isfile(f"{_house}/pyproject.toml") and os.path.isdir(f"{_house}/services"):  # noqa: PTH112, PTH113
    __path__.append(_house)
