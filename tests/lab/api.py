"""moto's server with a shortage: it refuses to start some types of machine, as EC2 does at times.

python -m tests.lab.api HOST PORT TYPE,TYPE
"""

from __future__ import annotations

import io
import sys
from urllib.parse import parse_qs

from moto.server import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import run_simple

#: EC2's own words. Source: the list of error codes in its reference.
CODE = "InsufficientInstanceCapacity"
REFUSAL = (
    '<?xml version="1.0" encoding="UTF-8"?><Response><Errors><Error><Code>{code}</Code><Message>We '
    "currently do not have sufficient {kind} capacity in the Availability Zone you requested."
    "</Message></Error></Errors><RequestID>none</RequestID></Response>"
)


class Short:
    """A WSGI application before another: `RunInstances` of a refused type ends here."""

    def __init__(self, application, refused):
        self._application, self._refused = application, refused

    def __call__(self, environ, start_response):
        """Answer one request."""
        length = int(environ.get("CONTENT_LENGTH") or 0)
        body = environ["wsgi.input"].read(length)
        environ["wsgi.input"] = io.BytesIO(body)
        asked = parse_qs(body.decode("utf-8", "replace"))
        kind = asked.get("InstanceType", [""])[0]
        if asked.get("Action") == ["RunInstances"] and kind in self._refused:
            start_response("500 Internal Server Error", [("Content-Type", "text/xml")])
            return [REFUSAL.format(code=CODE, kind=kind).encode()]
        return self._application(environ, start_response)


if __name__ == "__main__":
    host, port, types = sys.argv[1:]
    moto = DomainDispatcherApplication(create_backend_app)
    run_simple(host, int(port), Short(moto, types.split(",")), threaded=True)
