"""Switching off what would make frames look other than they are.  ethtool(8), SIOCETHTOOL.

With checksum and segmentation offload on, a tap sees 64 KB 'frames' and blank checksums, and Open
vSwitch's userspace datapath passes no TCP at all.
"""

import ctypes
import errno
import fcntl
import socket
import struct

_SIOCETHTOOL = 0x8946
_STXCSUM, _SGSO = 0x17, 0x24
CHECKSUM = (_STXCSUM,)
"""Transmit checksums; scatter-gather and TCP segmentation fall with them."""
ALL = (_STXCSUM, _SGSO)
"""And the kernel's own segmentation.  A veth has no receive offload (GRO) unless somebody asks for it."""


def switch_off(sock: socket.socket, interface: str, commands: tuple[int, ...] = ALL) -> None:
    """Switch offloads of an interface off, in the namespace of `sock`; what it never had is fine."""
    for command in commands:
        value = ctypes.create_string_buffer(struct.pack("=II", command, 0))
        request = struct.pack("16sP", interface.encode(), ctypes.addressof(value))
        try:
            fcntl.ioctl(sock, _SIOCETHTOOL, request)
        except OSError as error:
            if error.errno not in (errno.EOPNOTSUPP, errno.EINVAL):
                raise
