"""What passes between a face and an agent: every message reads back, any bytes are survived."""

import os
import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lan.control import framing, messages, state
from lan.errors import UsageError

EXAMPLES = [
    messages.Hello(1),
    messages.Describe(),
    messages.Enter("pc1"),
    messages.RunModule("pc1", "lan.services.icmp", ["-c", "1"]),
    messages.ShowTable("s1", "mac"),
    messages.Change("pc1", {"ip": "dhcp"}),
    messages.SetLink("pc1", "s1", True),
    messages.AddLink("pc1", "s1"),
    messages.AddHost("h9", "pc", {"ip": "10.0.0.9/8"}),
    messages.Services("dns", False),
    messages.WaitTrace(3, 100),
    messages.Down(),
]


@pytest.mark.parametrize("message", EXAMPLES, ids=lambda message: type(message).__name__)
def test_a_message_reads_back(message: messages.Message) -> None:
    assert messages.unpack(messages.pack(message)) == message


@pytest.mark.parametrize("data", [{}, {"ask": "Nonsense"}, {"ask": "Enter"}, {"ask": "Down", "x": 1}, {"ask": 3}])
def test_what_is_no_message_is_refused_in_words(data: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        messages.unpack(data)


def test_objects_and_descriptors_arrive_whole() -> None:
    ours, theirs = socket.socketpair()
    read, write = os.pipe()
    framing.send(ours, {"text": "é" * 100}, [write])
    data, [received] = framing.receive(theirs)
    os.write(received, b"x")
    assert data == {"text": "é" * 100} and os.read(read, 1) == b"x"


def test_the_end_of_the_other_side_is_told() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with pytest.raises(framing.ClosedError):
        framing.receive(theirs)


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_an_error_of_two_kinds(data: bytes) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.sendall(data)
        ours.shutdown(socket.SHUT_WR)
        try:
            assert isinstance(framing.receive(theirs)[0], dict)
        except (ValueError, framing.ClosedError):
            pass


def test_a_name_is_claimed_once_and_free_again_when_its_holder_lets_go(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    name, first = state.claim("office", None, another=False)
    with pytest.raises(UsageError, match="a LAN named office is up already"):
        state.claim("office", None, another=False)
    second_name, second = state.claim("office", None, another=True)
    assert (name, second_name) == ("office", "office-2")
    first.release()
    again, third = state.claim("office", None, another=False)
    assert again == "office"
    second.release()
    third.release()


def test_a_claimed_folder_starts_clean_unless_it_is_the_users(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    _, folder = state.claim("office", None, another=False)
    (folder.path / "devices").mkdir()
    (folder.path / "trace.pcapng").write_bytes(b"x")
    folder.release()
    _, folder = state.claim("office", folder.path, another=False)
    assert (folder.path / "trace.pcapng").exists()
    folder.release()
    _, folder = state.claim("office", None, another=False)
    assert sorted(entry.name for entry in folder.path.iterdir()) == ["lock"]
    folder.release()
