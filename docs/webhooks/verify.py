"""Receives webhooks of Augur and believes those alone that are signed, new and not told before.

Python's standard library is enough. AUGUR_WEBHOOK_SECRET is the secret that the console showed once, whsec_...

    AUGUR_WEBHOOK_SECRET=whsec_... python3 verify.py 8080
"""

import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE_SECONDS = 5 * 60


def verify(secret, headers, body, now=None):
    """Returns the event of a request, or raises ValueError. `headers` is any mapping, `body` the bytes as they came."""
    message_id, timestamp, signatures = (
        headers.get("webhook-" + name) or "" for name in ("id", "timestamp", "signature"))
    if not timestamp.isdigit() or abs((time.time() if now is None else now) - int(timestamp)) > TOLERANCE_SECONDS:
        raise ValueError("the message is older than five minutes, or its time is missing")
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signed = f"{message_id}.{timestamp}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
    # While the secret is being changed there are two; one that is right is enough.
    if not any(hmac.compare_digest(expected.encode(), one.encode()) for one in signatures.split()):
        raise ValueError("the signature is not the sender's")
    return json.loads(body)


class Receiver(BaseHTTPRequestHandler):
    told = set()  # keep these where they outlive the process: an event may come again for days

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            event = verify(os.environ["AUGUR_WEBHOOK_SECRET"], self.headers, body)
        except ValueError as error:
            self.send_error(400, str(error))
            return
        if self.headers["webhook-id"] not in self.told:
            self.told.add(self.headers["webhook-id"])
            print(event["type"], event["data"], flush=True)
        self.send_response(204)
        self.end_headers()


if __name__ == "__main__":
    ThreadingHTTPServer(("", int(sys.argv[1])), Receiver).serve_forever()
