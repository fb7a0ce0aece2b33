"""What the scenario's browser says of its own waiting, and so need not be waited for again."""

import pytest

from lan.control.client import Completed
from lan.scenario.browse import waited_for_fin

CASES = [
    ('{"closed_first": "client", "is_closed": false}', True),
    ('{"closed_first": "client", "is_closed": true}', False),
    ('{"closed_first": "server", "is_closed": false}', False),  # our FIN is under way
    ('{"closed_first": null, "is_closed": false}', False),  # the kernel sends it as the program ends
    ('{"ok": false, "error": {"what": "no answer"}}', False),
    ("", False),
]


@pytest.mark.parametrize(("told", "expected"), CASES)
def test_a_server_that_never_closes_was_waited_for_by_the_client(told: str, expected: bool) -> None:
    assert waited_for_fin(Completed(0, told, "")) is expected
