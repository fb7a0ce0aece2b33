"""From a packet to a picture: tap → frames → trackers → timeline → views.

`tap.py` and `packet_socket.py` meet the kernel; everything else here is pure.
"""
