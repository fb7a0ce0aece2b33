"""What faces ask of cables: show, pull, plug, flap, change; and the agent's ear for what carries their frames."""

import selectors
import socket
from collections.abc import Callable
from typing import Any, Protocol

from lan.control import messages
from lan.engine.cables import Cables
from lan.engine.carrier import Userspace
from lan.engine.live import LiveLan
from lan.errors import RunError, UsageError
from lan.links import schedule, words
from lan.links.options import PLAIN, Cable
from lan.links.words import OptionError
from lan.topo.spec import Link

Reply = Callable[[dict[str, Any]], None]


class Asked(Protocol):
    """The agent, as far as its cables go."""

    live: LiveLan

    def known(self, device: str) -> None:
        """Raises UsageError for a name that is no device's."""


def show(agent: Asked, message: messages.Links, client: socket.socket, reply: Reply) -> None:
    links = _between(agent, message.a, message.b) if message.a else list(agent.live.lan.links)
    _tell(agent, links, reply)


def plug(agent: Asked, message: messages.SetLink, client: socket.socket, reply: Reply) -> None:
    links = _between(agent, message.a, message.b)
    if message.up is not None:
        for link in links:
            agent.live.cables.set_plug(link, up=message.up)
    _tell(agent, links, reply)


def change(agent: Asked, message: messages.ChangeLink, client: socket.socket, reply: Reply) -> None:
    links = _between(agent, message.a, message.b)
    cables = agent.live.cables
    wanted = [_wanted(cables.of(link).does, link, message) for link in links]
    laid_anew = sum(len(cables.of(link).relaid_ms) for link in links)
    waiting, refused = len(links), list[str]()

    def done(said: dict[str, Any]) -> None:
        nonlocal waiting
        waiting -= 1
        if not said["ok"]:
            refused.append(str(said["error"]))
        if waiting == 0 and refused:
            reply(messages.refusal(RunError(f"the cable takes no change: {refused[0]}", todo="lan status")))
        elif waiting == 0:
            times_ms = [ms for link in links for ms in cables.of(link).relaid_ms]
            _tell(agent, links, reply, laid_anew_ms=times_ms[laid_anew:])

    for link, cable in zip(links, wanted, strict=True):
        cables.change(link, cable, done)


def _wanted(before: Cable, link: Link, message: messages.ChangeLink) -> Cable:
    """What a cable is to do after a change.  Raises UsageError."""
    ways = words.BOTH if message.sender is None else (_way(link, message.sender),)
    if message.reset:
        return Cable(
            PLAIN if words.FORWARD in ways else before.forward,
            PLAIN if words.BACKWARD in ways else before.backward,
            before.seed,
        )
    cable, faults = words.change(before, message.settings, directions=ways)
    if faults:
        raise faults[0]
    return cable


def flap(agent: Asked, message: messages.FlapLink, client: socket.socket, reply: Reply) -> None:
    links = _between(agent, message.a, message.b)
    try:
        period_s, times = schedule.read_flap(message.period, message.times)
    except OptionError as fault:
        raise UsageError(fault.what, expected=fault.expected, todo="flap 200ms 5") from None
    waiting = len(links)

    def done() -> None:
        nonlocal waiting
        waiting -= 1
        if waiting == 0:
            _tell(agent, links, reply)

    for link in links:
        agent.live.cables.flap(link, period_s, times, done)


def attend(cables: Cables, selector: selectors.BaseSelector) -> None:
    """Have the agent hear the process that carries frames, from the moment that there is one."""
    carrier = cables.carrier
    if not isinstance(carrier, Userspace) or carrier.is_gone or carrier.control in selector.get_map():
        return

    def hear(_: int) -> None:
        if not carrier.hear():
            selector.unregister(carrier.control)

    selector.register(carrier.control, selectors.EVENT_READ, hear)


def _between(agent: Asked, a: str, b: str) -> list[Link]:
    agent.known(a)
    agent.known(b)
    return agent.live.links_between(a, b)


def _way(link: Link, sender: str) -> str:
    if sender == link.a.device:
        return words.FORWARD
    if sender == link.b.device:
        return words.BACKWARD
    raise UsageError(
        f"the cable {link.a.device} – {link.b.device} has no end at {sender}",
        expected=f"--from {link.a.device} or --from {link.b.device}",
    )


def _tell(agent: Asked, links: list[Link], reply: Reply, **more: Any) -> None:
    cables = agent.live.cables

    def told(counted: dict[str, Any]) -> None:
        told_of = [cables.told_of(link, counted) for link in links]
        reply({"means": cables.means, "missed": counted.get("missed", 0), "links": told_of, **more})

    cables.count(told)


HANDLERS: dict[type, Callable[..., None]] = {
    messages.Links: show,
    messages.SetLink: plug,
    messages.ChangeLink: change,
    messages.FlapLink: flap,
}
