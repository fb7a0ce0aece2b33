"""Answers to hot questions, as ready bytes.

The answer of a server whose zone does not change depends on nothing but the query behind its id.  So
the key is those bytes, and what is kept is what `answer.py` made; a test holds the two equal.
"""

from lan.services.dns.answer import Answer, Responder

ID_BYTES = 2
CAPACITY = 20_000
"""Different queries kept; past that all are dropped, as someone asks for names at random."""
MOST_BYTES = 16 * 1024 * 1024
"""Kept at most, of queries and answers; past that all are dropped, too."""
LONGEST_QUERY_BYTES = 512
"""A longer one is hardly asked twice."""
OVERHEAD_BYTES = 512
"""The objects around one."""


class AnswerCache:
    """Asks the responder once for each different query."""

    def __init__(self, responder: Responder, *, capacity: int = CAPACITY, most_bytes: int = MOST_BYTES) -> None:
        self.responder, self.capacity, self.most_bytes = responder, capacity, most_bytes
        self.size_bytes = 0
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
        if answer.data is not None and len(query) <= LONGEST_QUERY_BYTES:
            key = query[ID_BYTES:]
            more_bytes = weight_bytes(key, answer)
            if len(kept) >= self.capacity or self.size_bytes + more_bytes > self.most_bytes:
                self._udp.clear()
                self._tcp.clear()
                self.size_bytes = 0
            kept[key] = answer
            self.size_bytes += more_bytes
        return answer


def weight_bytes(key: bytes, answer: Answer) -> int:
    """What an answer counts: the bytes that it is known by, its own, and the objects around them."""
    return len(key) + len(answer.data or b"") + OVERHEAD_BYTES
