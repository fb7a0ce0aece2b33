"""Where kernels can't be listened to, a LAN comes up all the same, and nobody waits for their record."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from lan.control import kernel_log
from lan.control.kernel_log import KernelLog
from lan.engine.fabric import Fabric


def test_a_kernel_that_refuses_is_not_listened_to(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse() -> int:
        raise OSError(1, "Operation not permitted")

    monkeypatch.setattr(kernel_log.netns, "new", refuse)
    fabric = cast(Fabric, cast(Any, SimpleNamespace(namespaces={"pc1": 3}, home=4)))
    log, answered = KernelLog(tmp_path / "kernel.jsonl"), list[bool]()
    log.start(fabric, [])
    log.add(fabric, [])
    log.sync(lambda: answered.append(True))
    assert answered == [True]
    assert not log.hear()
    assert '"gap"' in (tmp_path / "kernel.jsonl").read_text()
    log.close()
