"""What the soak of our servers takes for a fault, beside what its clients see."""

from pathlib import Path

from benchmarks.soak_http import complaints


def test_whatever_a_server_writes_but_that_it_is_ready_is_a_fault(tmp_path: Path) -> None:
    errors = tmp_path / "errors"
    errors.write_text("ready: proxy 127.0.0.1:8012\n")
    assert complaints(errors) == []
    errors.write_bytes(b"ready: proxy 127.0.0.1:8012\nTraceback (most recent call last):\n\xff\n")
    assert complaints(errors) == ["Traceback (most recent call last):", "\ufffd"]
