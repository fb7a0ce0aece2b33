"""Another protocol on the same connection: `Upgrade`, answered 101.  RFC 9110 §7.8.

Pure.  `echo` is the protocol that this server knows: each byte of the client comes back.
"""

from lan.reasons import Reason
from lan.services.http.origin.answer import Answer, Upgrade, standard
from lan.services.http.protocol.messages import HTTP_1_1, Request, Response, headers


class Echo:
    """Sends back what it gets."""

    def receive(self, data: bytes) -> bytes:
        """The same bytes."""
        return data


PROTOCOLS: dict[str, type[Upgrade]] = {"echo": Echo}
"""What can be upgraded to, by its name in `Upgrade`."""


def upgrade(request: Request, *, now_s: float) -> Answer | None:
    """101, where the client asks for a protocol that is known here; None: the request is answered as it is.

    The first of the client's protocols that is known is taken; HTTP/1.0 clients, and a field that
    `Connection` does not name, are not listened to.
    """
    if request.version < HTTP_1_1 or "upgrade" not in request.connection_options:
        return None
    for name in request.headers.listed("Upgrade"):
        if name in PROTOCOLS:
            fields = [*standard(now_s), ("Upgrade", name), ("Connection", "Upgrade")]
            why = Reason("RFC 9110 §7.8", "the client asked for another protocol", protocol=name)
            return Answer(Response(101, headers=headers(fields)), None, why, upgrade=PROTOCOLS[name]())
    return None
