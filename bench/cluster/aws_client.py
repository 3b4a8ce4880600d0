"""How AWS is asked: its clients, whether there are credentials, and what a refusal becomes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from importlib.util import find_spec
from typing import Any

from bench.errors import BenchError, DispatchError
from bench.text import first_line

#: What gives this machine the credentials that it lacks.
LOG_IN = "give credentials: aws configure"

#: What boto3 says if it finds none.
NO_CREDENTIALS = "locate credentials"


def client(service: str, region: str | None) -> Any:
    """Return boto3's client of a service. Raises DispatchError."""
    try:
        import boto3
    except ImportError as error:
        raise DispatchError(
            "boto3 is not installed", next_step="install it: make setup EXTRAS=aws"
        ) from error
    with _settings_read():
        return boto3.client(service, region_name=region)


def why_not() -> str | None:
    """Return why AWS need not be asked, if that is known without the network.

    Raises DispatchError if AWS's own settings on this machine are wrong.
    """
    if find_spec("boto3") is None:
        return "boto3 is not installed"
    import botocore.session

    with _settings_read():
        session = botocore.session.get_session()
        # an instance's own role is asked for over the network, which off EC2 takes seconds
        session.get_component("credential_provider").remove("iam-role")
        return None if session.get_credentials() else "no AWS credentials"


def asking(what: str) -> contextlib.AbstractContextManager[None]:
    """Turn what AWS answers to a question that fails into a DispatchError."""
    step = "check the credentials and their rights: aws sts get-caller-identity"
    return _told(f"AWS refused to {what}", step)


def _settings_read() -> contextlib.AbstractContextManager[None]:
    """Turn what is wrong in AWS's settings (a profile, a file, a region) into a DispatchError."""
    step = "check AWS_* variables, ~/.aws/config and ~/.aws/credentials"
    return _told("AWS's settings on this machine cannot be used", step)


@contextlib.contextmanager
def _told(what: str, next_step: str) -> Iterator[None]:
    try:
        yield
    except BenchError:
        raise
    except Exception as error:
        own = isinstance(error, OSError | ValueError)  # the network, a file, an address
        if not own and not type(error).__module__.startswith("botocore"):
            raise  # a fault of ours
        seen = first_line(error)
        step = LOG_IN if NO_CREDENTIALS in seen else next_step
        raise DispatchError(what, seen=seen, next_step=step) from error
