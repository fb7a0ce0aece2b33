"""A user's PATH is kept as it is; what it lacks of the system's folders comes behind."""

from lan.engine.search_path import SYSTEM, complete


def test_the_callers_own_come_first_and_nothing_twice() -> None:
    assert complete("/home/me/bin:/usr/bin:/bin") == "/home/me/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin"
    whole = "/usr/sbin:/usr/bin:" + ":".join(SYSTEM)
    assert complete(whole) == whole
    assert complete(complete("/bin")) == complete("/bin")
