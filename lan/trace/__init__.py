"""From a packet to a picture: tap → frames → trackers → timeline → views.

`tap.py`, `port_tap.py` and `packet_socket.py` meet the kernel; `capture_file.py`, `rotation.py`, `opening.py` and
`indexed.py` meet files; what decodes, tracks and tells is pure.
"""
