"""Answers to hot questions, as ready bytes.

The answer of a server whose zone does not change depends on nothing but the query behind its id.  So
the key is those bytes, and what is kept is what `answer.py` made; a test holds the two equal.
"""

from lan.services.dns.answer import Answer, Responder

ID_BYTES = 2
CAPACITY = 20_000
"""Different queries kept; past that all are dropped, as someone asks for names at random."""


class AnswerCache:
    """Asks the responder once for each different query."""

    def __init__(self, responder: Responder, *, capacity: int = CAPACITY) -> None:
        self.responder, self.capacity = responder, capacity
        self._udp: dict[bytes, Answer] = {}
        self._tcp: dict[bytes, Answer] = {}

    def answer(self, query: bytes, *, tcp: bool = False) -> Answer:
        """What the responder answers, from memory where it can be."""
        kept = self._tcp if tcp else self._udp
        known = kept.get(query[ID_BYTES:])
        if known is None or known.data is None or len(query) < ID_BYTES:
            return self._learn(kept, query, tcp)
        return Answer(query[:ID_BYTES] + known.data[ID_BYTES:], known.what, known.why, known.name, known.type)

    def _learn(self, kept: dict[bytes, Answer], query: bytes, tcp: bool) -> Answer:
        answer = self.responder.answer(query, tcp=tcp)
        if answer.data is not None:
            if len(kept) >= self.capacity:
                kept.clear()
            kept[query[ID_BYTES:]] = answer
        return answer
