"""The pool's decisions, as dialogues with an invented world, and its promises under any order of events."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lan.errors import UsageError
from lan.reasons import Reason
from lan.services.http.strategies.orders import (
    Asked,
    Close,
    GiveUp,
    Kept,
    Open,
    Order,
    Patience,
    Retry,
    Send,
    Stage,
)
from lan.services.http.strategies.pool import Pool
from lan.services.http.strategies.strategy import STRATEGIES, Strategy, strategy

KEPT = Kept(True, Reason("RFC 9112 §9.3", "HTTP/1.1 persists"), pipelines=True)
KEPT_1_0 = Kept(True, Reason("RFC 9112 §9.3", "keep-alive"))
NOT_KEPT = Kept(False, Reason("RFC 9112 §9.6", "the peer said close"))
RESET = Reason("RFC 9293 §3.5.2", "connection reset by peer")


def words(orders: list[Order]) -> list[str]:
    """``open 1``, ``send 2 on 1``, ``close 1``, ``retry 2``, ``give up 2``."""
    said = []
    for order in orders:
        match order:
            case Open():
                said.append(f"open {order.connection} to {order.host}")
            case Send():
                said.append(f"send {order.request} on {order.connection}{', last' if order.is_last else ''}")
            case Close():
                said.append(f"{'abort' if order.is_abrupt else 'close'} {order.connection}")
            case Retry():
                said.append(f"retry {order.request}")
            case GiveUp():
                said.append(f"give up {order.request}")
    return said


def pool_of(name: str, *methods: str, hosts: str = "", **how: int) -> Pool:
    """A pool with requests 1, 2, … of these methods; `hosts` has a letter for each (all a)."""
    made = Pool(strategy(name, **how))
    for number, method in enumerate(methods, 1):
        made.add(Asked(number, hosts[number - 1] if hosts else "a", method))
    return made


GETS = ("GET",) * 4


# The five strategies


def test_serial_opens_a_connection_for_each_object_one_after_the_other() -> None:
    pool = pool_of("serial", "GET", "GET", hosts="ab")
    assert words(pool.advance(0)) == ["open 1 to a"]
    assert words(pool.connected(1, 1)) == ["send 1 on 1, last"]
    assert words(pool.complete(1, NOT_KEPT, 2)) == ["close 1", "open 2 to b"]
    assert words(pool.connected(2, 3)) == ["send 2 on 2, last"]
    assert words(pool.complete(2, NOT_KEPT, 4)) == ["close 2"]
    assert pool.is_done


def test_serial_uses_no_connection_twice_even_where_the_server_would_keep_it() -> None:
    pool = pool_of("serial", "GET", "GET")
    pool.advance(0)
    pool.connected(1, 1)
    close, again = pool.complete(1, KEPT, 2)
    assert close == Close(1, False, Reason("book 4.3.2", "a connection is for one object"))
    assert words([again]) == ["open 2 to a"]


def test_parallel_opens_as_many_as_the_limit_allows_for_each_host() -> None:
    pool = pool_of("parallel", *GETS, *GETS, hosts="aaaabbbb", connections=2)
    assert words(pool.advance(0)) == ["open 1 to a", "open 2 to a", "open 3 to b", "open 4 to b"]
    assert words(pool.connected(2, 1)) == ["send 1 on 2, last"]
    assert words(pool.complete(2, NOT_KEPT, 2)) == ["close 2", "open 5 to a"]


def test_persistent_sends_the_next_request_on_the_connection_that_stands() -> None:
    pool = pool_of("persistent", *GETS)
    assert words(pool.advance(0)) == ["open 1 to a"]
    assert words(pool.connected(1, 1)) == ["send 1 on 1"]
    [again] = pool.complete(1, KEPT_1_0, 2)
    assert isinstance(again, Send)
    assert again.why == Reason("RFC 9112 §9.3; book 4.5.8", "used again: no new handshake", served=1)


def test_a_server_that_keeps_nothing_makes_persistent_serial() -> None:
    pool = pool_of("persistent", "GET", "GET")
    pool.advance(0)
    pool.connected(1, 1)
    assert words(pool.complete(1, NOT_KEPT, 2)) == ["close 1", "open 2 to a"]


def test_persistent_and_parallel_share_the_requests_between_two_connections() -> None:
    pool = pool_of("persistent+parallel", *GETS)
    assert words(pool.advance(0)) == ["open 1 to a", "open 2 to a"]
    assert words(pool.connected(1, 1)) == ["send 1 on 1"]
    assert words(pool.connected(2, 1)) == ["send 2 on 2"]
    assert words(pool.complete(2, KEPT, 2)) == ["send 3 on 2"]
    assert words(pool.complete(1, KEPT, 2)) == ["send 4 on 1"]
    assert words(pool.complete(1, KEPT, 3)) == []
    assert words(pool.complete(2, KEPT, 3)) == ["close 1", "close 2"]


def test_pipelined_waits_for_the_first_response_and_then_fills_the_pipeline() -> None:
    pool = pool_of("pipelined", *GETS, *GETS, depth=3)
    pool.advance(0)
    assert words(pool.connected(1, 1)) == ["send 1 on 1"]
    assert words(pool.complete(1, KEPT, 2)) == ["send 2 on 1", "send 3 on 1", "send 4 on 1"]
    [more] = pool.complete(1, KEPT, 3)
    assert isinstance(more, Send)
    assert more.why.source == "RFC 9112 §9.3.2; book 4.6"


@pytest.mark.parametrize("kept", [KEPT_1_0, NOT_KEPT])
def test_nothing_is_pipelined_to_a_server_that_is_not_known_as_1_1_and_persistent(kept: Kept) -> None:
    pool = pool_of("pipelined", *GETS)
    pool.advance(0)
    pool.connected(1, 1)
    orders = pool.complete(1, kept, 2)
    if not kept.is_kept:
        orders = pool.connected(2, 3)
    assert words(orders) == [f"send 2 on {1 if kept.is_kept else 2}"]


@pytest.mark.parametrize("method", ["POST", "PATCH", "LOCK"])
def test_a_method_that_may_not_be_repeated_is_not_pipelined_and_nothing_behind_it(method: str) -> None:
    pool = pool_of("pipelined", "GET", "GET", method, "GET", "GET")
    pool.advance(0)
    pool.connected(1, 1)
    assert words(pool.complete(1, KEPT, 2)) == ["send 2 on 1"]
    assert words(pool.complete(1, KEPT, 3)) == ["send 3 on 1"]
    assert words(pool.complete(1, KEPT, 4)) == ["send 4 on 1", "send 5 on 1"]


# Limits


def test_all_hosts_together_have_a_limit_and_an_idle_connection_makes_room() -> None:
    pool = Pool(Strategy("small", 2, 2, True, 1, Reason("book 4.5", "a test")))
    for number, host in enumerate("aab", 1):
        pool.add(Asked(number, host))
    assert words(pool.advance(0)) == ["open 1 to a", "open 2 to a"]
    pool.connected(1, 1)
    pool.connected(2, 1)
    assert words(pool.complete(1, KEPT, 2)) == ["close 1", "open 3 to b"]


def test_keep_alive_max_bounds_what_a_connection_is_asked() -> None:
    pool = pool_of("persistent", *GETS)
    pool.advance(0)
    pool.connected(1, 1)
    assert words(pool.complete(1, Kept(True, KEPT.why, max_requests=1), 2)) == ["send 2 on 1"]
    closed, _ = pool.complete(1, Kept(True, KEPT.why, max_requests=5), 3)
    assert closed == Close(1, False, Reason("book 4.5.4", "the server's Keep-Alive allows no further request"))


def test_a_retired_connection_is_asked_no_more_and_closes_behind_its_last_response() -> None:
    pool = pool_of("pipelined", *GETS, *GETS, depth=3)
    pool.advance(0)
    pool.connected(1, 1)
    assert words(pool.complete(1, KEPT, 2)) == ["send 2 on 1", "send 3 on 1", "send 4 on 1"]
    pool.retire(1)
    assert words(pool.complete(1, KEPT, 3)) == []
    assert words(pool.complete(1, KEPT, 3)) == []
    assert words(pool.complete(1, NOT_KEPT, 3)) == ["close 1", "open 2 to a"]


def test_a_connection_that_is_refused_beside_others_lowers_the_limit() -> None:
    pool = pool_of("parallel", *GETS, connections=3)
    pool.advance(0)
    pool.connected(1, 1)
    assert words(pool.closed(2, RESET, 1)) == []
    assert words(pool.complete(1, NOT_KEPT, 2)) == ["close 1", "open 4 to a"]


def test_a_host_that_can_not_be_reached_costs_its_requests_and_no_others() -> None:
    pool = pool_of("persistent", "GET", "GET", "GET", hosts="aba")
    pool.advance(0)
    assert words(pool.closed(1, RESET, 1)) == ["give up 1", "give up 3"]
    assert words(pool.connected(2, 1)) == ["send 2 on 2"]


# What breaks


def test_a_stale_connection_costs_nothing_the_request_is_sent_again() -> None:
    pool = pool_of("persistent", "GET", "GET")
    pool.advance(0)
    pool.connected(1, 1)
    assert words(pool.complete(1, KEPT, 2)) == ["send 2 on 1"]
    retry, opened = pool.closed(1, RESET, 3)
    assert words([retry, opened]) == ["retry 2", "open 2 to a"]
    assert retry.why.source == "RFC 9112 §9.3.1; book 4.7.3"
    assert words(pool.connected(2, 4)) == ["send 2 on 2"]


def test_a_request_is_sent_again_only_so_often() -> None:
    pool = pool_of("persistent", "GET")
    pool.advance(0)
    for connection in (1, 2):
        pool.connected(connection, connection)
        assert words(pool.closed(connection, RESET, connection)) == ["retry 1", f"open {connection + 1} to a"]
    pool.connected(3, 3)
    [given_up] = pool.closed(3, RESET, 3)
    assert given_up.why == Reason("book 4.7.3", "connection reset by peer, again and again")
    assert pool.is_done


def test_a_post_that_was_sent_is_not_repeated_without_say_so() -> None:
    pool = pool_of("persistent", "POST")
    pool.advance(0)
    pool.connected(1, 1)
    [given_up] = pool.closed(1, RESET, 2)
    assert words([given_up]) == ["give up 1"]
    assert given_up.why.source == "RFC 9110 §9.2.2; book 4.7.3"
    told = Pool(strategy("persistent"), retry_any_method=True)
    told.add(Asked(1, "a", "POST"))
    told.advance(0)
    told.connected(1, 1)
    assert words(told.closed(1, RESET, 2)) == ["retry 1", "open 2 to a"]


def test_a_post_that_was_not_sent_waits_for_the_next_connection() -> None:
    pool = pool_of("persistent", "GET", "POST")
    pool.advance(0)
    pool.connected(1, 1)
    assert words(pool.closed(1, RESET, 2)) == ["retry 1", "open 2 to a"]
    pool.connected(2, 3)
    assert words(pool.complete(2, KEPT, 4)) == ["send 2 on 2"]


def test_a_request_whose_response_has_begun_is_never_sent_again() -> None:
    pool = pool_of("persistent", "GET")
    pool.advance(0)
    pool.connected(1, 1)
    pool.progressed(1, 2, has_begun=True)
    [given_up] = pool.closed(1, RESET, 3)
    assert given_up == GiveUp(1, Reason("RFC 9112 §8; book 4.7.2", "connection reset by peer"))


def broken_pipeline() -> Pool:
    pool = pool_of("pipelined", *GETS)
    pool.advance(0)
    pool.connected(1, 1)
    assert words(pool.complete(1, KEPT, 2)) == ["send 2 on 1", "send 3 on 1", "send 4 on 1"]
    return pool


def test_after_a_broken_pipeline_what_is_unanswered_goes_again_one_by_one() -> None:
    pool = broken_pipeline()
    assert words(pool.closed(1, RESET, 3)) == ["retry 2", "retry 3", "retry 4", "open 2 to a"]
    assert words(pool.connected(2, 4)) == ["send 2 on 2"]
    assert words(pool.complete(2, KEPT, 5)) == ["send 3 on 2"]
    assert words(pool.complete(2, KEPT, 6)) == ["send 4 on 2"]


def test_after_a_broken_pipeline_new_requests_are_pipelined_only_behind_a_response_on_the_new_connection() -> None:
    pool = broken_pipeline()
    for number in (5, 6, 7):
        pool.add(Asked(number, "a"))
    pool.progressed(1, 2, has_begun=True)
    assert words(pool.closed(1, RESET, 3)) == ["give up 2", "retry 3", "retry 4", "open 2 to a"]
    pool.connected(2, 4)
    pool.complete(2, KEPT, 5)
    assert words(pool.complete(2, KEPT, 6)) == ["send 5 on 2", "send 6 on 2", "send 7 on 2"]


def test_a_server_that_says_close_in_a_pipeline_has_not_broken_it() -> None:
    pool = broken_pipeline()
    assert words(pool.complete(1, NOT_KEPT, 3)) == ["retry 3", "retry 4", "close 1", "open 2 to a"]
    pool.connected(2, 4)
    assert words(pool.complete(2, KEPT, 5)) == ["send 4 on 2"]


# Time


def test_each_stage_has_its_time_out_and_a_connection_in_time_is_left_alone() -> None:
    pool = Pool(strategy("persistent"), Patience(dns_s=1, connect_s=2, wait_s=3, receive_s=4))
    pool.add(Asked(1, "a"))
    pool.advance(0)
    assert pool.deadline_s() == 1
    pool.staged(1, Stage.CONNECT, 0.5)
    assert pool.deadline_s() == 2.5
    pool.connected(1, 1)
    assert pool.deadline_s() == 4
    assert pool.expire(3.9) == []
    pool.progressed(1, 3.9, has_begun=True)
    assert pool.deadline_s() == pytest.approx(7.9)
    assert pool.expire(9, heard_s=7.8) == []  # what came since then may lie unseen in a socket
    assert words(pool.expire(8)) == ["abort 1", "give up 1"]


def test_a_connection_that_can_not_be_had_in_time_is_said_with_its_stage() -> None:
    pool = Pool(strategy("persistent"), Patience(connect_s=2))
    pool.add(Asked(1, "a"))
    pool.advance(0)
    pool.staged(1, Stage.CONNECT, 0)
    _, given_up = pool.expire(2)
    assert given_up.why.text == "connecting: no end within 2 s"


def test_the_request_that_waited_too_long_is_given_up_and_those_behind_it_go_again() -> None:
    pool = broken_pipeline()
    assert words(pool.expire(32)) == ["abort 1", "give up 2", "retry 3", "retry 4", "open 2 to a"]


def test_an_idle_connection_is_closed_in_order_after_the_servers_keep_alive() -> None:
    pool = pool_of("persistent+parallel", "GET", "GET", "GET")
    pool.advance(0)
    pool.connected(1, 0)
    pool.connected(2, 0)
    pool.complete(1, Kept(True, KEPT.why, idle_s=5), 1)
    pool.complete(1, Kept(True, KEPT.why, idle_s=5), 2)
    assert pool.deadline_s() == 7
    assert words(pool.expire(7)) == ["close 1"]


def test_the_time_for_everything_ends_everything() -> None:
    pool = Pool(strategy("serial"), Patience(all_s=9))
    for number in (1, 2):
        pool.add(Asked(number, "a"))
    pool.advance(0)
    pool.connected(1, 1)
    assert pool.deadline_s() == 9
    assert words(pool.expire(9)) == ["abort 1", "give up 1", "give up 2"]
    assert pool.is_done
    assert pool.deadline_s() is None


# Settings


def test_a_strategy_with_a_wrong_name_or_number_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="no such strategy") as caught:
        strategy("pipeline")
    assert caught.value.todo == "--strategy pipelined"
    for how in ({"connections": 0}, {"connections": 99}, {"depth": 3}):
        with pytest.raises(UsageError):
            strategy("parallel", **how)
    with pytest.raises(UsageError):
        strategy("serial", connections=2)


# Any world


class World:
    """A pool, and a witness of all that it orders: fails as soon as a promise is broken."""

    def __init__(self, made: Strategy, retry_any_method: bool) -> None:
        self.pool = Pool(made, retries=1, retry_any_method=retry_any_method)
        self.strategy, self.retry_any_method = made, retry_any_method
        self.asked: dict[int, Asked] = {}
        self.open: dict[int, str] = {}
        self.ready: set[int] = set()
        self.lanes: dict[int, list[int]] = {}
        self.begun: set[int] = set()
        self.retired: set[int] = set()
        self.outcome: dict[int, str] = {}
        self.sent: Counter[int] = Counter()
        self.now_s = 0.0

    def obey(self, orders: list[Order]) -> None:
        for order in orders:
            assert order.why.text and order.why.source
            match order:
                case Open():
                    assert order.connection not in self.lanes, "a number is used twice"
                    self.open[order.connection] = str(order.host)
                    self.lanes[order.connection] = []
                case Send():
                    self.send(order)
                case Close():
                    self.gone(order.connection)
                case Retry():
                    assert order.request not in self.begun and order.request not in self.outcome
                    assert self.retry_any_method or self.asked[order.request].is_idempotent
                case GiveUp():
                    self.end(order.request, "given up")
        assert len(self.open) <= self.strategy.in_all
        assert all(count <= self.strategy.per_host for count in Counter(self.open.values()).values())

    def send(self, order: Send) -> None:
        lane = self.lanes[order.connection]
        assert order.connection in self.ready, "sent on no connection"
        assert order.connection not in self.retired
        assert order.request not in self.outcome and order.request not in self.begun
        assert not any(order.request in other for other in self.lanes.values())
        assert self.asked[order.request].host == self.open[order.connection]
        assert len(lane) < self.strategy.depth
        if lane:
            assert all(self.asked[number].is_idempotent for number in (*lane, order.request))
        if self.sent[order.request]:
            assert self.retry_any_method or self.asked[order.request].is_idempotent
        self.sent[order.request] += 1
        lane.append(order.request)

    def gone(self, connection: int) -> None:
        self.open.pop(connection, None)
        self.ready.discard(connection)
        self.lanes[connection].clear()

    def end(self, request: int, outcome: str) -> None:
        assert request not in self.outcome, "two outcomes"
        self.outcome[request] = outcome

    def pick(self, pick: int) -> int:
        """A connection, mostly an open one; the pool must not mind one that is gone or not yet there."""
        if pick % 4 and self.open:
            return sorted(self.open)[pick % len(self.open)]
        return 1 + pick % (len(self.lanes) + 1)

    def step(self, what: str, pick: int, kept: Kept) -> None:
        self.happen(what, self.pick(pick), pick, kept)

    def happen(self, what: str, connection: int, pick: int, kept: Kept) -> None:
        self.now_s += 0.5
        is_open = connection in self.open
        lane = list(self.lanes.get(connection, ()))
        if what == "add":
            number = len(self.asked) + 1
            self.asked[number] = Asked(number, "abc"[pick % 3], ("GET", "PUT", "POST")[pick % 7 % 3])
            self.pool.add(self.asked[number])
            self.obey(self.pool.advance(self.now_s))
        elif what == "connected":
            if is_open:
                self.ready.add(connection)
            self.obey(self.pool.connected(connection, self.now_s))
        elif what == "begun":
            if lane:
                self.begun.add(lane[0])
            self.pool.progressed(connection, self.now_s, has_begun=True)
        elif what == "complete":
            if lane:
                self.end(self.lanes[connection].pop(0), "complete")
            self.obey(self.pool.complete(connection, kept, self.now_s))
        elif what == "retire":
            if lane:
                self.retired.add(connection)
            self.pool.retire(connection)
        elif what == "closed":
            if is_open:
                self.gone(connection)
            self.obey(self.pool.closed(connection, RESET, self.now_s))
        else:
            self.now_s += pick % 12
            self.obey(self.pool.expire(self.now_s))


STEPS = st.lists(
    st.tuples(
        st.sampled_from(
            ["add", "add", "connected", "connected", "begun", "complete", "complete", "closed", "expire", "retire"]
        ),
        st.integers(0, 40),
        st.sampled_from([KEPT, KEPT, KEPT_1_0, NOT_KEPT, Kept(True, KEPT.why, pipelines=True, max_requests=2)]),
    ),
    max_size=80,
)


@settings(max_examples=400, deadline=None)
@given(name=st.sampled_from(list(STRATEGIES)), steps=STEPS, retry_any_method=st.booleans())
def test_whatever_comes_no_begun_request_is_sent_again_each_ends_once_and_no_limit_is_passed(
    name: str, steps: list[tuple[str, int, Kept]], retry_any_method: bool
) -> None:
    made = STRATEGIES[name]
    world = World(
        Strategy(name, made.per_host, min(made.in_all, 4), made.is_kept, made.depth, made.why), retry_any_method
    )
    for step in steps:
        world.step(*step)
    for _ in range(10_000):  # and now a world where all goes well: everything ends
        if world.pool.is_done:
            break
        for connection in list(world.open):
            world.happen("complete" if world.lanes.get(connection) else "connected", connection, 0, KEPT)
    assert world.pool.is_done
    assert set(world.outcome) == set(world.asked)
    assert all(count <= 3 + len(steps) for count in world.sent.values())
    assert not world.open
