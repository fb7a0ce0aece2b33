"""The file of ageing times that the controller reads while another switch is made."""

import json
from pathlib import Path

from lan.engine import ageing
from lan.topo.spec import Device


def test_a_reader_has_the_old_times_whole_while_new_ones_are_written(tmp_path: Path) -> None:
    file = tmp_path / "ageing.json"
    first, second = (Device(name, "switch", {"ageing_s": of}) for name, of in (("s1", 20), ("s2", 30)))
    ageing.tell_controller([first], file)
    with file.open() as reader:
        ageing.tell_controller([first, second], file)
        assert json.load(reader) == {"s1": 20}
    assert json.loads(file.read_text()) == {"s1": 20, "s2": 30}
    assert list(tmp_path.iterdir()) == [file]
