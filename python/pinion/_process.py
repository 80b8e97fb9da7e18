"""Producers and consumers across the ends of processes and their forks.

A program that forgets to stop a producer does not lose what it sent: it is stopped as the program
ends. A child that ``os.fork`` makes has none of its parent's threads, and half of each connection:
what was made before the fork is of no use there and says so, instead of waiting for ever.
"""

from __future__ import annotations

import atexit
import os
import weakref

from .errors import Closed


class OfThisProcess:
    """What a fork leaves behind, and what is stopped as the program ends."""

    _forked = False

    def __init__(self) -> None:
        _open.add(self)

    def stop(self) -> object:
        raise NotImplementedError

    def _stop_at_exit(self) -> None:
        self.stop()

    def _was_stopped(self) -> None:
        _open.discard(self)

    def _check_process(self) -> None:
        if self._forked:
            raise Closed(
                f"this {type(self).__name__} was made before the process forked, and its threads "
                "and connections stayed with the parent: make one after the fork"
            )


_open: "weakref.WeakSet[OfThisProcess]" = weakref.WeakSet()


def _after_fork() -> None:
    for one in list(_open):
        one._forked = True
    _open.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)


@atexit.register
def _stop_all() -> None:
    for one in list(_open):
        one._stop_at_exit()
