"""What the requests are made of beyond the document: files, and ids that must be left alone.

Uploads are mostly customers that can be scored, so that predictions come to be, else any bytes.
"""

import os
import uuid

import schemathesis
from hypothesis import strategies as st

with open(os.environ["SCHEMATHESIS_CUSTOMERS"], "rb") as file:
    customers = file.read()

# The keys that the requests are sent with, and their users: without them everything would be a 401.
with open(os.environ["SCHEMATHESIS_KEPT"], encoding="ascii") as file:
    kept = set(file.read().split())

schemathesis.openapi.format("binary", st.one_of(st.just(customers), st.just(customers), st.binary(max_size=200)))


@schemathesis.hook
def before_call(context, case, kwargs):
    """Changes of what must be kept become changes of something that does not exist."""
    del context, kwargs
    parameters = case.path_parameters or {}
    if case.method in ("DELETE", "PATCH") and str(parameters.get("id")) in kept:
        parameters["id"] = str(uuid.uuid4())
