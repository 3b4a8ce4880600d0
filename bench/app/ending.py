"""How a run ends early: a signal or a limit is a reason to stop, and the user is told once."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bench import stops
from bench.dispatch.budget import Budget
from bench.dispatch.transport import Host

#: What a user is told when a signal ends the run.
ENDING = "ending: the running job is lost, but the jobs before it are kept"


class Ending:
    """Says why a run must stop; `budget` is its limit."""

    def __init__(self, budget: Budget) -> None:
        self._budget, self._said = budget, False

    def say(self, say: Callable[[str], None]) -> None:
        """Tell the user with `say` that a signal ends the run, once."""
        if not self._said:
            self._said = True
            say(ENDING)

    def may_wait(self) -> bool:
        """Return whether the run may wait for a disk that takes no more."""
        return self._budget.left_s != 0 and not stops.arrived()

    def why_stop(
        self, hosts: Sequence[Host], say: Callable[[str], None], is_begun: bool
    ) -> str | None:
        """Return why the run must stop now, or None. A limit does not stop it before it began."""
        if stops.arrived():
            self.say(say)
            return "interrupted"
        return self._budget.why_stop(hosts) if is_begun else None
