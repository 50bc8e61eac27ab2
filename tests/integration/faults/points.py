"""Faults at a chosen point of a pass that runs in a child process.

A child is forked from a process that has imported everything, so that a fault costs a fraction of a second. It counts
the points at which it touches the world: before and after each commit, each file written, stored or removed, each mail
handed over. At the chosen one the fault happens; by default the child sends itself SIGKILL.
"""

from __future__ import annotations

import os
import signal
import traceback
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any, Final
from unittest import mock

from sqlalchemy.orm import Session

from tests.integration.faults.kills import FolderRelay
from vpn_registry.dropzone import FolderZone
from vpn_registry.journal import Journal
from vpn_registry.landing import LandingStore
from vpn_registry.registry.home import Registry

Touch = tuple[type, str]
TOUCHES: Final[tuple[Touch, ...]] = (
    (LandingStore, "put"),
    (FolderZone, "write"),
    (FolderZone, "remove"),
    (FolderRelay, "post"),
)
WRITES: Final[tuple[Touch, ...]] = ((LandingStore, "put"), (FolderZone, "write"), (Journal, "note"))
ZONE: Final[tuple[Touch, ...]] = tuple((FolderZone, verb) for verb in ("list", "stat", "read", "write", "remove"))
ENDED_EARLY: Final = -1


def die(_place: str) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Fault:
    """What happens at the chosen point, which points there are, and whether it goes on until the pass ends.

    `act` is told the place, such as `commit begins` or `put done`; before it home and database address where it needs
    them. It may raise: then the pass ends there, as a task that failed does.
    """

    act: Callable[..., None] = die
    touches: tuple[Touch, ...] = TOUCHES
    can_happen: Callable[[str], bool] = lambda _place: True
    is_lasting: bool = False
    needs_home: bool = False


KILL: Final = Fault()


@dataclass
class Points:
    """Counts the points that are reached; the fault happens at the fatal one (0: never)."""

    fatal: int
    fault: Fault = KILL
    reached: int = 0

    def __call__(self, place: str) -> None:
        if not self.fault.can_happen(place):
            return
        self.reached += 1
        if self.reached == self.fatal or (self.fault.is_lasting and 0 < self.fatal < self.reached):
            self.fault.act(place)

    def around(self, owner: type, name: str) -> Callable[..., Any]:
        work = getattr(owner, name)

        def wrapped(*args: Any, **kwargs: Any) -> Any:
            self(f"{name} begins")
            result = work(*args, **kwargs)
            self(f"{name} done")
            return result

        return wrapped

    def around_commits(self, writing: Callable[[Registry], AbstractContextManager[Session]]) -> Callable[..., Any]:
        @contextmanager
        def wrapped(registry: Registry) -> Iterator[Session]:
            with writing(registry) as db:
                yield db
                self("commit begins")
            self("commit done")

        return wrapped


@contextmanager
def counting(points: Points) -> Iterator[None]:
    """Every touch of the world in this process is a point."""
    patches = [mock.patch.object(Registry, "writing", points.around_commits(Registry.writing))]
    patches += [mock.patch.object(owner, name, points.around(owner, name)) for owner, name in points.fault.touches]
    for patch in patches:
        patch.start()
    try:
        yield
    finally:
        for patch in patches:
            patch.stop()


def in_child(
    work: Callable[[], object], fatal: int = 0, fault: Fault = KILL, stopped: Callable[[], object] | None = None
) -> int | None:
    """Run `work` in a forked process: the number of points it reached, or None when it was killed.

    A fault other than a kill may also end it early: ENDED_EARLY. A child that stops itself goes on after `stopped`.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        _live(work, Points(fatal, fault), writer)
    os.close(writer)
    if stopped is not None:
        _, status = os.waitpid(child, os.WUNTRACED)
        if os.WIFSTOPPED(status):
            try:
                stopped()
            finally:
                os.kill(child, signal.SIGCONT)
        else:
            return _told(reader, status, fault)
    _, status = os.waitpid(child, 0)
    return _told(reader, status, fault)


def _told(reader: int, status: int, fault: Fault) -> int | None:
    with os.fdopen(reader) as pipe:
        told = pipe.read()
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return None
    assert os.WIFEXITED(status), status
    if os.WEXITSTATUS(status) and fault is not KILL:
        return ENDED_EARLY
    assert os.WEXITSTATUS(status) == 0, told
    return int(told)


def _live(work: Callable[[], object], points: Points, writer: int) -> None:
    """What the child does; it never returns."""
    failed = 1
    try:
        with counting(points):
            work()
        os.write(writer, str(points.reached).encode())
        failed = 0
    except BaseException:  # whatever it is, the parent has to be told; no more than a pipe holds unread
        os.write(writer, traceback.format_exc().encode()[-60_000:])
    finally:
        os._exit(failed)
