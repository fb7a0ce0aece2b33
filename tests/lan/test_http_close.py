"""The close as the seed draws it, on a real cable: FIN, ACK, FIN, ACK, and who holds TIME_WAIT."""

from pathlib import Path

import pytest

from tests.closing import CLIENT_FIRST, SERVER_FIRST, end, over_the_cable
from tests.pem import write_pem


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an authority, and the server's certificate and key."""
    folder = tmp_path_factory.mktemp("pem")
    write_pem(folder, "web", addresses=("10.7.0.2",))
    return folder


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_client_closes_in_four_segments_every_time_and_holds_time_wait(pem: Path, scheme: str) -> None:
    connections, time_wait = over_the_cable(pem, scheme, 200, "lan-fetch")
    assert [end(segments) for segments in connections] == [CLIENT_FIRST] * 200
    assert time_wait == 200


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_turned_round_the_server_closes_in_four_segments(pem: Path, scheme: str) -> None:
    program = "lan-fetch --closes-first server"
    connections, time_wait = over_the_cable(pem, scheme, 50, program, "--closes-first", "server")
    assert [end(segments) for segments in connections] == [SERVER_FIRST] * 50
    assert time_wait == 0


def test_without_quickack_the_kernel_lets_the_ack_ride_on_the_fin(pem: Path) -> None:
    """The mutant of the close: so the test above would fail if the server set no TCP_QUICKACK."""
    connections, _ = over_the_cable(pem, "http", 10, "lan-fetch", "--no-quickack")
    ends = [end(segments) for segments in connections]
    assert ["client FIN, ACK", "server FIN, ACK", "client ACK"] in ends  # where the server is not run for 40 ms: four


@pytest.mark.parametrize("program", ["curl --silent", "curl --silent --header Connection:close"])
@pytest.mark.parametrize("scheme", ["http", "https"])
def test_curl_sees_the_same_close(pem: Path, program: str, scheme: str) -> None:
    connections, time_wait = over_the_cable(pem, scheme, 3, program)
    assert [end(segments) for segments in connections] == [CLIENT_FIRST] * 3
    assert time_wait == 3


def test_the_response_is_one_segment_and_says_close(pem: Path) -> None:
    [segments], _ = over_the_cable(pem, "http", 1, "lan-fetch")
    with_data = {(one["from"], one["seq"]) for one in segments if one["length"]}  # sent again, it is the same one
    assert sorted(sender for sender, _ in with_data) == ["client", "server"]
