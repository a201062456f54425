"""Files for the uploads: mostly customers that can be scored, so that predictions come to be, else any bytes."""

import os

import schemathesis
from hypothesis import strategies as st

with open(os.environ["SCHEMATHESIS_CUSTOMERS"], "rb") as file:
    customers = file.read()

schemathesis.openapi.format("binary", st.one_of(st.just(customers), st.just(customers), st.binary(max_size=200)))
