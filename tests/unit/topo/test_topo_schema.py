"""An option's value has its type and bounds, and the error says which; what lan can't do is refused by name."""

from typing import Any

import pytest

from lan.topo.schema import KindSchema, Option, known_options, validate_options
from lan.topo.spec import Device, Where

HERE = Where("x.py", 7)


def faults(option: Option, value: Any) -> list[tuple[str, str | None]]:
    device = Device("a", "thing", {option.name: value}, HERE)
    found = validate_options(device, KindSchema("thing", False, {option.name: option}))
    assert all(problem.where == HERE and not problem.is_warning for problem in found)
    return [(problem.what.removeprefix("a: "), problem.expected) for problem in found]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (Option("x", str), "text"),
        (Option("x", str), None),
        (Option("x", int, low=1, high=3), 3),
        (Option("x", float, high=1), 1),
        (Option("x", float), 0.5),
        (Option("x", bool), False),
        (Option("x", list), ("a", "b")),
        (Option("x", dict), {"a": [1, {"b": None}]}),
        (Option("x", (str, list)), ["a"]),
        (Option("x", str, choices=("a", "b")), "b"),
        (Option("x", str, check=lambda value: None), "anything"),
        (Option("x", str, required=True), "given"),
    ],
)
def test_a_right_value_passes(option: Option, value: Any) -> None:
    assert faults(option, value) == []


@pytest.mark.parametrize(
    ("option", "value", "what", "expected"),
    [
        (Option("x", str, example="a/b"), 5, "x 5 is not text", "text, such as 'a/b'"),
        (Option("x", int), True, "x True is not a whole number", "a whole number"),
        (Option("x", int), 1.0, "x 1.0 is not a whole number", "a whole number"),
        (Option("x", bool), 1, "x 1 is not True or False", "True or False"),
        (Option("x", float, low=0, high=100), -0.1, "x -0.1 is too small", "a number from 0 to 100"),
        (Option("x", float, high=0.5), 1, "x 1 is too big", "a number, at most 0.5"),
        (Option("x", float, low=0), float("nan"), "x nan is too small", "a number, at least 0"),
        (Option("x", list), "a,b", "x 'a,b' is not a list", "a list"),
        (Option("x", (str, list)), 1, "x 1 is not text or a list", "text or a list"),
        (Option("x", str, choices=("a", "b")), "c", "x 'c' is not one of its values", "one of 'a', 'b'"),
        (Option("x", str, check=lambda value: "is odd"), "c", "x 'c' is odd", "text"),
        (Option("x", str, required=True), None, "a thing needs the option 'x'", "text"),
        (Option("x", str), "y" * 99, "", None),
    ],
)
def test_a_wrong_value_is_named_with_what_was_expected(
    option: Option, value: Any, what: str, expected: str | None
) -> None:
    assert faults(option, value) == ([(what, expected)] if what else [])


def test_a_value_that_json_cannot_carry_is_refused() -> None:
    nested: list[Any] = []
    for _ in range(50):
        nested = [nested]
    for value in ({1: "a"}, {"a": {1, 2}}, [object()], nested):
        [(what, _)] = faults(Option("x", (dict, list)), value)
        assert what.endswith("holds something else than text, numbers, lists and mappings")


def test_mininets_parameters_are_known_to_every_kind_and_the_kinds_own_word_wins() -> None:
    host, switch = KindSchema("pc", False, {"ip": Option("ip", dict)}), KindSchema("switch", True)
    assert set(known_options(host)) == {"ip", "mac", "defaultRoute"} and known_options(host)["ip"].type is dict
    assert set(known_options(switch)) == {"dpid"}


@pytest.mark.parametrize("name", ["cls", "cpu", "cores", "protocols", "failMode", "datapath", "privateDirs", "stp"])
def test_a_parameter_of_mininet_that_does_nothing_here_is_refused_with_a_remedy(name: str) -> None:
    [problem] = validate_options(Device("a", "pc", {name: 1}, HERE), KindSchema("pc"))
    assert problem.what == f"a: Mininet's option {name!r} does not work here"
    assert problem.todo and problem.todo.startswith("leave it out")


def test_a_namespace_of_its_own_is_what_every_device_has() -> None:
    assert validate_options(Device("a", "pc", {"inNamespace": True}), KindSchema("pc")) == []
    assert len(validate_options(Device("a", "pc", {"inNamespace": False}), KindSchema("pc"))) == 1
