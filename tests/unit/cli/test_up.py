"""lan up: what it proposes to type next works as it stands, also beside other LANs."""

import pytest

from lan.cli.command_line import parse
from lan.cli.verbs import up


@pytest.mark.parametrize("name", [None, "second"])
def test_what_is_proposed_names_the_lan_where_it_is_not_alone(name: str | None) -> None:
    proposed = [words.split() for words in up.commands("h1", name).split(" · ")]
    assert len(proposed) == 5
    for lan, *words in proposed:
        options = parse(words)[1]
        assert lan == "lan" and name in (options.lan, getattr(options, "name", None))
        assert getattr(options, "device", None) in (None, "h1")
