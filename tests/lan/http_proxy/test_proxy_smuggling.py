"""Nothing reaches the server that two readers could take for different requests."""

import pytest

from ..proxying import Client, Played, Start, field, get

HOST = "Host: {host}\r\n"
POST, GET = "POST {url}/ HTTP/1.1\r\n" + HOST, "GET {url}/ HTTP/1.1\r\n" + HOST
SMUGGLED = {
    "CL.TE": POST + "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nG",
    "TE.CL": POST + "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "TE.TE": POST + "Transfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n\r\n0\r\n\r\n",
    "TE twice": POST + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n",
    "TE odd": POST + "Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n",
    "TE in 1.0": "POST {url}/ HTTP/1.0\r\n" + HOST + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "CL twice": POST + "Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx",
    "CL list": POST + "Content-Length: 1, 1\r\n\r\nx",
    "CL plus": POST + "Content-Length: +1\r\n\r\nx",
    "obs-fold": GET + "X: a\r\n b\r\n\r\n",
    "bare LF": GET + "X: a\nY: b\r\n\r\n",
    "bare CR": GET + "X: a\rY: b\r\n\r\n",
    "NUL": GET + "X: a\0b\r\n\r\n",
    "blank before colon": GET + "Content-Length : 1\r\n\r\nx",
    "chunk size": POST + "Transfer-Encoding: chunked\r\n\r\n0x1\r\nx\r\n0\r\n\r\n",
    "chunk line": POST + "Transfer-Encoding: chunked\r\n\r\n1\nx\r\n0\r\n\r\n",
    "Host twice": GET + HOST + "\r\n",
    "Host differs": "GET {url}/ HTTP/1.1\r\nHost: elsewhere\r\n\r\n",
    "Connection: Host": GET + "Connection: Host\r\n\r\n",
    "Connection: Content-Length": POST + "Connection: Content-Length\r\nContent-Length: 1\r\n\r\nx",
    "user in the target": "GET http://web@{host}/ HTTP/1.1\r\n" + HOST + "\r\n",
}  # fmt: skip


@pytest.mark.parametrize("name", SMUGGLED)
def test_a_request_that_could_be_read_two_ways_is_refused_and_ends_the_connection(
    start: Start, knows: str, played: Played, name: str
) -> None:
    with Client(start(knows)) as client:
        data = SMUGGLED[name].format(url=played.url, host=played.host).encode("latin-1")
        client.send(data + get(played.url, path="/smuggled"))
        if name.startswith("chunk"):  # the head was good: it was on its way when the chunk was read
            assert client.head().split()[1] in ("400", "502")
            return
        head = client.head()
        assert head.split()[1] in ("400", "501"), head
        client.end()
        assert b"HTTP/1.1 2" not in client.rest()
    if field(head, "Connection") == "close":
        assert not played.has_visitor()
