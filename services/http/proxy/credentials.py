"""Who may use a proxy: names and passwords, asked for by 407.  RFC 9110 §11.7, RFC 7617.

Pure.  Passwords are compared in constant time, and never logged.
"""

import base64
import binascii
import hmac
from dataclasses import dataclass, field

from lan.errors import UsageError
from lan.reasons import Reason
from lan.services.http.protocol.messages import Request
from lan.services.http.proxy.forwarding import Here

REALM = "lan proxy"
CHALLENGE = f'Basic realm="{REALM}", charset="UTF-8"'


@dataclass(frozen=True, slots=True)
class Accounts:
    """User names with their passwords."""

    passwords: dict[str, str] = field(repr=False)

    def knows(self, user: str, password: str) -> bool:
        """Whether this user has this password; an unknown user takes as long as a known one."""
        known = self.passwords.get(user)
        is_same = hmac.compare_digest((known or "").encode(), password.encode())
        return is_same and known is not None


def parse_accounts(text: str, where: object) -> Accounts:
    """``USER:PASSWORD`` lines; blank lines and lines that begin with # are passed over.  Raises UsageError."""
    passwords: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        user, colon, password = line.partition(":")
        if not user or not colon or not password or not line.isprintable():
            raise UsageError("no USER:PASSWORD", where=f"{where}:{number}", expected="USER:PASSWORD, one a line")
        passwords[user] = password
    if not passwords:
        raise UsageError("nobody is named", where=where, expected="USER:PASSWORD, one a line")
    return Accounts(passwords)


def user_of(request: Request) -> tuple[str, str] | None:
    """User and password of ``Proxy-Authorization: Basic …``; None where there is none that can be read."""
    scheme, _, token = (request.headers.get("Proxy-Authorization") or "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        user, colon, password = base64.b64decode(token.strip(), validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeError, ValueError):
        return None
    return (user, password) if colon else None


def allowed(request: Request, accounts: Accounts | None) -> Here | None:
    """None, or 407 for a client that is asked for a name and a password and gave no good ones."""
    if accounts is None:
        return None
    given = user_of(request)
    if given is not None and accounts.knows(*given):
        return None
    text = "no credentials were given" if given is None else "the credentials are wrong"
    why = Reason("RFC 9110 §11.7, RFC 7617", text)
    return Here(407, why, (("Proxy-Authenticate", CHALLENGE),))
