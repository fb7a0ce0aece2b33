"""Frames of a recording as a file for Wireshark: ``--pcap FILE`` of several verbs."""

import os
import stat
from pathlib import Path

from lan.cli.source import Source
from lan.errors import UsageError
from lan.trace.frame import Frame
from lan.trace.views import pcapng_export


def write_pcapng(source: Source, frames: list[Frame], target: Path) -> int:
    """Write them with reasons as comments and the TLS secrets of their connections; of how many these are.

    Who has a file with secrets can read what TLS carried: it is its owner's alone.  Raises UsageError where the file
    can't be written, or is the capture itself.
    """
    if target.exists() and source.capture is not None and target.samefile(source.capture):
        raise UsageError(f"--pcap {target}: that is the capture itself", todo="another name")
    key_log = pcapng_export.secrets_of(source.timeline, frames)
    try:
        with target.open("wb") as file:
            if key_log and stat.S_ISREG(os.fstat(file.fileno()).st_mode):  # /dev/null, or a pipe, is not ours to close
                os.fchmod(file.fileno(), 0o600)
            file.writelines(pcapng_export.write(source.timeline, key_log, source.explain, frames=frames))
    except OSError as error:
        raise UsageError(f"--pcap {target}: {error.strerror}") from error
    return len({line.split()[1] for line in key_log.splitlines() if not line.startswith("#")})
