"""wget closes a connection with our server as our own client does."""

from pathlib import Path

import pytest

from tests.closing import CLIENT_FIRST, end, over_the_cable
from tests.pem import write_pem


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_wget_sees_the_close_in_four_segments(tmp_path: Path, scheme: str) -> None:
    write_pem(tmp_path, "web", addresses=("10.7.0.2",))
    program = f"wget -q -O - --ca-certificate={tmp_path / 'authority.pem'}"
    connections, time_wait = over_the_cable(tmp_path, scheme, 3, program)
    assert [end(segments) for segments in connections] == [CLIENT_FIRST] * 3
    assert time_wait == 3
