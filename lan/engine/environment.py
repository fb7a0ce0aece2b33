"""The environment of programs on a device: fresh, so that the caller's proxies and paths stay out."""

from collections.abc import Mapping

from lan.engine.house import BUNDLE, PROGRAMS

_PATH = f"{PROGRAMS}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
STATE, KEY_LOG = "/var/lib/lan", "tls-keys.log"
"""Where a device sees its state folder, and the file there for the secrets of TLS (`lan.trace.keylog`)."""
_TRUST = ("SSL_CERT_FILE", "CURL_CA_BUNDLE", "REQUESTS_CA_BUNDLE")


def terminal_of(caller: Mapping[str, str]) -> dict[str, str]:
    """What a device may know of its caller: terminal and language."""
    return {
        key: value
        for key, value in caller.items()
        if key in ("TERM", "COLORTERM", "LANG", "COLUMNS", "LINES") or key.startswith("LC_")
    }


def of_device(
    device: str, terminal: Mapping[str, str], own: Mapping[str, str], *, key_log: bool = False
) -> dict[str, str]:
    """The variables a program on `device` starts with: terminal and language of the caller, the rest ours.

    With `key_log` its TLS secrets go to a file in the device's state folder, whatever its topology says.
    """
    trust = dict.fromkeys(_TRUST, BUNDLE)
    return {
        "PATH": _PATH,
        "HOME": "/root",
        "USER": "root",
        "LOGNAME": "root",
        "SHELL": "/bin/bash",
        "PS1": f"root@{device}:\\w\\$ ",
        "LAN_DEVICE": device,
        "NODE_EXTRA_CA_CERTS": "/etc/ssl/certs/lan-authority.pem",
        **trust,
        **terminal,
        **own,
        **({"SSLKEYLOGFILE": f"{STATE}/{KEY_LOG}"} if key_log else {}),
    }
