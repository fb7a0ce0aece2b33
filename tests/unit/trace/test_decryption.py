"""TLS with its secrets: what OpenSSL has encrypted is read in the clear, and tied to the frames that brought it."""

import ssl
from itertools import count
from pathlib import Path

import pytest

from lan.trace.frame import Direction, Frame
from lan.trace.keylog import KeyLog
from lan.trace.timeline import Timeline
from lan.wire.addresses import ipv4_bytes

from .talk import IPS, Talk
from .tls_talk import Settings, TlsTalk

REQUEST = b"GET /a HTTP/1.1\r\nHost: www.lan.test\r\n\r\n"
RESPONSE = b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n" + b"x" * 5000


def tls_1_2(cipher: str, *, extra: int = 0) -> Settings:
    def change(here: ssl.SSLContext, there: ssl.SSLContext) -> None:
        here.maximum_version = ssl.TLSVersion.TLSv1_2
        for each in (here, there):
            each.set_ciphers(cipher)
            each.options |= extra

    return change


def tls_1_3(here: ssl.SSLContext, there: ssl.SSLContext) -> None:
    here.minimum_version = ssl.TLSVersion.TLSv1_3


NO_ENCRYPT_THEN_MAC = 1 << 19
SETTINGS = {
    "TLS 1.3": tls_1_3,
    "AES-GCM": tls_1_2("ECDHE-ECDSA-AES128-GCM-SHA256"),
    "AES-GCM, SHA384": tls_1_2("ECDHE-ECDSA-AES256-GCM-SHA384"),
    "ChaCha20": tls_1_2("ECDHE-ECDSA-CHACHA20-POLY1305"),
    "CBC": tls_1_2("ECDHE-ECDSA-AES128-SHA:@SECLEVEL=0"),
    "CBC, MAC inside": tls_1_2("ECDHE-ECDSA-AES256-SHA384:@SECLEVEL=0", extra=NO_ENCRYPT_THEN_MAC),
}


def timeline_of(frames: list[Frame], key_log: str = "") -> Timeline:
    timeline = Timeline()
    timeline.learn_secrets(key_log)
    timeline.feed(frames)
    return timeline


@pytest.mark.parametrize("name", SETTINGS)
@pytest.mark.parametrize("segment_bytes", [1460, 97])
def test_https_is_http_in_the_clear(name: str, segment_bytes: int, tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, SETTINGS[name], segment_bytes=segment_bytes)
    before = len(talk.frames)
    talk.say("pc1", REQUEST)
    talk.say("web", RESPONSE)
    talk.say("pc1", REQUEST)
    talk.say("web", RESPONSE)
    talk.close()
    timeline = timeline_of(talk.frames, talk.key_log)
    [session] = timeline.tls
    first, second = timeline.http
    assert session.decryption is not None
    assert session.decryption.fault == ""
    assert (bytes(session.decryption.client.data), bytes(session.decryption.server.data)) == (REQUEST * 2, RESPONSE * 2)
    assert (first.target, first.status, first.is_complete, first.session) == ("/a", 200, True, session)
    assert (first.position, second.position, second.is_reuse) == (1, 2, True)
    numbers = [frame.number for frame in first.frames]
    assert numbers == list(range(before + 1, before + 1 + len(numbers)))
    assert [opened.words() for opened in session.decryption.opened][-1] == "alert: close notify"
    assert repr(first).startswith("HTTPS pc1 → web: GET www.lan.test/a → 200")


def test_secrets_may_come_after_the_frames(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, tls_1_3)
    talk.say("pc1", REQUEST)
    timeline = timeline_of(talk.frames)
    assert timeline.http == []
    timeline.learn_secrets(talk.key_log)
    assert [transaction.target for transaction in timeline.http] == ["/a"]
    known = len(talk.frames)
    talk.say("web", RESPONSE)
    timeline.feed(talk.frames[known:])
    assert timeline.http[0].status == 200


def test_the_handshake_of_1_3_is_read_too(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, tls_1_3, segment_bytes=100)
    [session] = timeline_of(talk.frames, talk.key_log).tls
    assert session.decryption is not None
    said = [(opened.is_client, opened.words()) for opened in session.decryption.opened]
    assert said[:5] == [
        (False, "EncryptedExtensions"),
        (False, "Certificate"),
        (False, "CertificateVerify"),
        (False, "Finished"),
        (True, "Finished"),
    ] or said[0] == (False, "EncryptedExtensions, Certificate, CertificateVerify, Finished")
    assert (False, "NewSessionTicket") in said


def test_a_server_that_asks_for_another_hello(tmp_path: Path) -> None:
    def change(here: ssl.SSLContext, there: ssl.SSLContext) -> None:
        tls_1_3(here, there)
        there.set_ecdh_curve("secp384r1")

    talk = TlsTalk(tmp_path, change)
    talk.say("pc1", REQUEST)
    [transaction] = timeline_of(talk.frames, talk.key_log).http
    assert transaction.target == "/a"
    late = timeline_of(talk.frames)
    late.learn_secrets(talk.key_log)
    assert [transaction.target for transaction in late.http] == ["/a"]


@pytest.mark.parametrize("name", ["TLS 1.3", "AES-GCM", "CBC", "CBC, MAC inside"])
def test_keys_of_another_connection_open_nothing(name: str, tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, SETTINGS[name])
    talk.say("pc1", REQUEST)
    wrong = "".join(f"{line[:-1]}{'0' if line[-1] != '0' else '1'}\n" for line in talk.key_log.splitlines())
    timeline = timeline_of(talk.frames, wrong)
    assert timeline.http == []
    [session] = timeline.tls
    assert session.decryption is not None
    assert "of another key" in session.decryption.fault


def test_without_secrets_nothing_is_tried(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, tls_1_3)
    timeline = timeline_of(talk.frames, f"CLIENT_RANDOM {'ab' * 32} {'cd' * 48}\n")
    assert timeline.tls[0].decryption is None


def test_a_piece_that_was_not_captured_ends_the_reading_and_nothing_before_it(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, tls_1_3)
    talk.say("pc1", REQUEST)
    lost = len(talk.frames)
    talk.say("pc1", REQUEST)
    talk.say("pc1", REQUEST)
    timeline = timeline_of(talk.frames[:lost] + talk.frames[lost + 1 :], talk.key_log)
    assert [transaction.target for transaction in timeline.http] == ["/a"]
    [session] = timeline.tls
    assert session.decryption is not None
    assert session.decryption.fault == ""  # it may come yet
    timeline.feed([talk.talk.say("web", "ACK")])
    assert "was not captured" in session.decryption.fault


def test_a_key_log_is_read_as_far_as_it_makes_sense() -> None:
    random, secret = "ab" * 32, "cd" * 48
    log = KeyLog(
        f"# a comment\nCLIENT_RANDOM {random} {secret}\nCLIENT_RANDOM {random} {'ef' * 48}\nCLIENT_RANDOM {random} 12\n"
        f"WHAT {random} {secret}\nSERVER_TRAFFIC_SECRET_0 zz {secret}\nCLIENT_RANDOM {random[2:]} {secret}\nCLIENT_RA"
    )
    assert len(log) == 1
    assert log.secret(bytes.fromhex(random), "CLIENT_RANDOM") == bytes.fromhex(secret)
    assert log.text() == f"CLIENT_RANDOM {random} {secret}\n"
    assert log.text([bytes(32)]) == ""
    assert secret not in repr(log)


def test_https_through_a_proxys_tunnel_is_read_too(
    tmp_path: Path,
) -> None:
    talk = TlsTalk(tmp_path, tls_1_3)
    talk.say("pc1", REQUEST)
    talk.say("web", RESPONSE)
    outer = Talk(server_port=3128)
    outer.numbers = talk.talk.numbers
    frames = outer.open()
    frames.append(outer.say("pc1", "ACK", b"CONNECT www.lan.test:443 HTTP/1.1\r\nHost: www.lan.test:443\r\n\r\n"))
    frames.append(outer.say("web", "ACK", b"HTTP/1.1 200 Connection established\r\n\r\n"))
    for frame in talk.frames[3:]:
        frames.append(outer.say(frame.from_device, "ACK", frame.packet.payload))
    timeline = timeline_of(frames, talk.key_log)
    connect, inside = timeline.http
    assert (connect.method, connect.session) == ("CONNECT", None)
    assert (inside.target, inside.status, inside.session) == ("/a", 200, timeline.tls[0])
    assert timeline.tls[0].is_established
    assert timeline.tls[0].starts[0] > 0


def test_a_proxys_pair_is_known_though_both_were_opened_late(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, tls_1_3)
    talk.say("pc1", REQUEST)
    talk.say("web", RESPONSE)
    numbers = count(1)
    frames = []
    for frame in talk.frames:  # what pc1 says to web's address is for a proxy there, which says the same to r1
        is_up = frame.from_device == "pc1"
        here = Frame(next(numbers), frame.time_ns, frame.port, frame.peer, Direction.IN, frame.data)
        further = moved(frame.data, is_up=is_up)
        there = Frame(next(numbers), frame.time_ns, "s1:x", "web:eth0" if is_up else "r1:eth0", Direction.IN, further)
        frames += [here, there]
    timeline = timeline_of(frames)
    timeline.learn_secrets(talk.key_log)
    outer, inner = timeline.http
    assert (outer.upstream, inner.downstream) == (inner, outer)


def moved(data: bytes, *, is_up: bool) -> bytes:
    """The same segment between web and r1."""
    web, server = ipv4_bytes(IPS["web"]), ipv4_bytes("192.168.100.9")
    ends = web + server if is_up else server + web
    return data[:26] + ends + data[34:]


def test_secrets_may_come_a_line_at_a_time(tmp_path: Path) -> None:
    talk = TlsTalk(tmp_path, tls_1_3)
    talk.say("pc1", REQUEST)
    talk.say("web", RESPONSE)
    talk.close()
    timeline = timeline_of(talk.frames)
    seen = []
    for line in sorted(talk.key_log.splitlines(), key=lambda line: "HANDSHAKE" not in line):
        timeline.learn_secrets(line)
        decryption = timeline.tls[0].decryption
        seen.append(decryption is not None and decryption.is_waiting)
    assert seen[0] is True
    assert seen[-1] is False
    assert [transaction.status for transaction in timeline.http] == [200]
