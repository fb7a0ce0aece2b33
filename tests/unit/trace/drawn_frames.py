"""Frames for tests that draw them: at a few ports, at any time, with or without a comment; some cut by the capture."""

from hypothesis import strategies as st

from lan.trace.frame import Direction, Frame

PORTS = [("s1:eth1", "pc1:eth0"), ("s1:eth2", "web:eth0"), ("if0", "")]


def drawn(comments: st.SearchStrategy[str]) -> st.SearchStrategy[list[Frame]]:
    """A few frames of 0 to 80 bytes; their numbers are those of the file that they are written into."""
    return st.lists(
        st.builds(
            lambda port, time_ns, way, data, more, comment: Frame(
                0, time_ns, *PORTS[port], way, data, len(data) + more, comment
            ),
            st.integers(0, 2),
            st.integers(0, 2**63),
            st.sampled_from(Direction),
            st.binary(max_size=80),
            st.integers(0, 9),
            comments,
        ),
        max_size=6,
    )
