"""What a run may spend: minutes, and dollars by the hourly prices of the hosts that are up."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from bench.dispatch.transport import Host


class Budget:
    """Adds up the cost of the hosts that are up; a limit that was not given is None.

    Between two looks, the hosts are taken to be those of the later look. A host without a price
    stops a run that has a limit in dollars, because the limit could not be kept.
    """

    def __init__(
        self,
        max_s: float | None = None,
        max_usd: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.max_s, self.max_usd, self._clock = max_s, max_usd, clock
        self._began_s = self._last_s = clock()
        self.spent_usd = 0.0

    @property
    def overtime_s(self) -> float:
        """Seconds since the time limit was reached; below 0 before that."""
        limit_s = float("inf") if self.max_s is None else self.max_s
        return self._clock() - self._began_s - limit_s

    @property
    def left_s(self) -> float | None:
        """Seconds until the time limit, at least 0; None without a limit."""
        return None if self.max_s is None else max(0.0, -self.overtime_s)

    def why_stop(self, hosts: Sequence[Host]) -> str | None:
        """Count the time since the last look; return why the run must stop, None if it need not."""
        now_s = self._clock()
        passed_s, self._last_s = now_s - self._last_s, now_s
        unpriced = sorted({host.type or host.name for host in hosts if host.usd_per_hour is None})
        self.spent_usd += sum(host.usd_per_hour or 0.0 for host in hosts) * passed_s / 3600
        if self.max_s is not None and self.overtime_s >= 0:
            return f"the limit of {self.max_s / 60:g} minutes is reached"
        if self.max_usd is not None and unpriced:
            return (
                f"the price of {', '.join(unpriced)} is unknown, so the limit in USD cannot be kept"
            )
        if self.max_usd is not None and self.spent_usd >= self.max_usd:
            return f"the limit of {self.max_usd:g} USD is reached"
        return None
