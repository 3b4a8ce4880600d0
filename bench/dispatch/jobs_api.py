"""The Jobs API of a Ray cluster: hand a job over, follow what it says, find it again by its id."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

from bench.errors import DispatchError
from bench.outside.files import MOST_MADE
from bench.text import first_line

#: Seconds after which a silent stream gives an empty line, so that the caller can do other things.
BEAT_S = 1.0

#: Loggers of Ray that tell what a user need not know, such as the size of an uploaded package.
CHATTY = ("ray.dashboard.modules", "ray._private.runtime_env.packaging")

#: The oldest Ray whose Jobs API takes what is sent here.
OLDEST_RAY = "2.0"

#: What to do if the cluster refuses the token.
TOKEN_STEP = (
    "give the token with which the cluster was started: RAY_AUTH_TOKEN_PATH=FILE for --address; "
    "for a cluster file, start Ray anew with the token of its head: ray up FILE"
)

#: The states of a job that has ended.
ENDED = frozenset({"SUCCEEDED", "FAILED", "STOPPED"})


class JobsApi:
    """A client of one address; every failure to reach it is a DispatchError."""

    def __init__(self, address: str, token: str | None = None) -> None:
        for name in CHATTY:
            logging.getLogger(name).setLevel(logging.ERROR)
        headers = {"Authorization": f"Bearer {token}"} if token else None
        self.address = address
        with _reaching():
            self._client: Any = _direct_client()(address, headers or {})

    def submit(self, job: str, folder: Path, entrypoint: str) -> None:
        """Start `entrypoint` on the head with `folder` as its working directory, detached."""
        with _reaching():
            self._client.submit_job(
                entrypoint=entrypoint,
                submission_id=job,
                runtime_env={"working_dir": self._client.uploaded(folder)},
            )

    def state(self, job: str) -> tuple[str, str] | None:
        """Return a job's status and Ray's words on it; None if the cluster knows no such job."""
        with _reaching():
            for info in self._client.list_jobs():
                if info.submission_id == job:
                    return str(getattr(info.status, "value", info.status)), info.message or ""
        return None

    def stop(self, job: str) -> None:
        """End a job; the head keeps what it measured."""
        with _reaching():
            self._client.stop_job(job)

    def follow(self, job: str) -> Iterator[str]:
        """Yield the whole lines that a job says, from its first, until it ends.

        An empty text stands for BEAT_S seconds of silence. Raises DispatchError if the
        connection is lost, or if a line does not end; the job goes on.
        """
        loop, lines = asyncio.new_event_loop(), Lines()
        stream = self._client.tail_job_logs(job)
        pending: asyncio.Future[str] | None = None
        try:
            while True:
                with _reaching():
                    pending = pending or asyncio.ensure_future(anext(stream), loop=loop)
                    waited = asyncio.wait({pending}, timeout=BEAT_S)
                    done, _ = loop.run_until_complete(waited)
                    if not done:
                        yield ""
                        continue
                    try:
                        chunk = pending.result()
                    except StopAsyncIteration:
                        return
                    pending = None
                yield from lines.ended_by(chunk)
        finally:
            if pending is not None:
                pending.cancel()
                loop.run_until_complete(asyncio.gather(pending, return_exceptions=True))
            loop.run_until_complete(stream.aclose())
            loop.close()


class Lines:
    """Puts a stream's lines together; what has come of the last one waits for its end."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._size = 0

    def ended_by(self, chunk: str) -> list[str]:
        """Return the lines that end in `chunk`, without empty ones. Raises DispatchError if more
        than MOST_MADE characters came without an end, which no line of a head has.
        """
        *ends, rest = chunk.split("\n")
        ended = []
        for end in ends:
            ended.append("".join([*self._parts, end]))
            self._parts, self._size = [], 0
        if rest:
            self._parts.append(rest)
            self._size += len(rest)
        if self._size > MOST_MADE:
            what = "what the job on the head says cannot be read"
            seen = f"a line of more than {MOST_MADE} characters"
            step = "look at the job's log on the head: ray job logs"
            raise DispatchError(what, seen=seen, next_step=step)
        return [line for line in ended if line]


def _direct_client() -> Any:
    """Return the class of a client that asks the address itself, whatever the environment says.

    RAY_ADDRESS would win over the address, and another of Ray's variables leaves files of the
    package out: the methods that read them are passed by. A proxy of `http_proxy`, or a password of
    ~/.netrc in the place of the token, would send the token and the code elsewhere. An empty proxy
    and a method of authentication of our own keep requests from looking for them. The environment
    itself stays as it is, because other threads start processes with it meanwhile.
    """
    import aiohttp  # noqa: F401 - Ray's client says nothing helpful without these two
    import requests  # noqa: F401
    from ray.job_submission import JobSubmissionClient

    class Direct(JobSubmissionClient):  # type: ignore[misc]
        def __init__(self, address: str, headers: dict[str, str]) -> None:
            self._client_ray_version = version("ray")
            super(JobSubmissionClient, self).__init__(address=address, headers=headers)
            self._headers = dict(headers)  # without the token that Ray's variables name
            self._check_connection_and_version(OLDEST_RAY, f"it is older than {OLDEST_RAY}")

        def uploaded(self, folder: Path) -> str:
            """Upload a whole folder, if it is not there yet; return where it lies."""
            return str(self._upload_package_if_needed(str(folder), include_gitignore=False))

        def _do_request(self, *arguments: Any, **fields: Any) -> Any:
            own = {"proxies": {"http": "", "https": ""}, "auth": lambda request: request}
            return super()._do_request(*arguments, **own, **fields)

    return Direct


@contextlib.contextmanager
def _reaching() -> Iterator[None]:
    """Turn whatever the client raises into a DispatchError."""
    try:
        yield
    except DispatchError:
        raise
    except Exception as error:
        text = first_line(error)
        step = "check that the cluster is up, and its token: {program} cluster check"
        if "Authentication" in text:
            step = TOKEN_STEP
        if isinstance(error, ImportError) or "ray[default]" in text:
            step = "install what a cluster needs: make setup EXTRAS=cluster"
        raise DispatchError(
            "the cluster's Jobs API does not answer", seen=text, next_step=step
        ) from error
