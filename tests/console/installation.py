"""An installation of Augur for tests of its pages: `augur serve --demo` with a directory and a port of its own.

What is not seen on pages is done and looked up through the API, by `Caller`.
"""

import csv
import dataclasses
import io
import json
import os
import pathlib
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
import uuid

START_LIMIT_S = 60
PREDICTION_LIMIT_S = 60
PASSWORD = "seven green bicycles"
# Nothing on the way: a proxy of the machine is not asked for its own addresses.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
PROGRAM = os.environ["AUGUR_BINARY"]
CHECKOUT = pathlib.Path(__file__).resolve().parents[2]


@dataclasses.dataclass
class Answer:
    """What the server said."""

    status: int
    headers: dict
    body: bytes

    def json(self):
        """The body, read as JSON."""
        return json.loads(self.body)


@dataclasses.dataclass
class Caller:
    """A caller of the API with a token or a key."""

    url: str
    token: str = ""

    def ask(self, method, path, body=None, headers=None, wanted=(200, 201, 202, 204)):
        """Sends a request below /api/v1, and fails where the answer is not one that is wanted."""
        request = urllib.request.Request(f"{self.url}/api/v1{path}", method=method, headers=dict(headers or {}))
        if self.token:
            request.add_header("authorization", f"Bearer {self.token}")
        if isinstance(body, (dict, list)):
            request.add_header("content-type", "application/json")
            body = json.dumps(body).encode()
        try:
            with OPENER.open(request, data=body, timeout=60) as response:
                answer = Answer(response.status, dict(response.headers), response.read())
        except urllib.error.HTTPError as error:
            answer = Answer(error.code, dict(error.headers), error.read())
        if wanted is not None and answer.status not in wanted:
            raise AssertionError(f"{method} {path}: {answer.status} {answer.body[:2000]!r}")
        return answer

    def get(self, path):
        """What is at a path."""
        return self.ask("GET", path).json()

    def post(self, path, body):
        """What is answered to a JSON body."""
        return self.ask("POST", path, body).json()

    def every(self, path):
        """Everything of a list, page after page."""
        found, cursor = [], None
        while True:
            page = self.get(f"{path}?limit=100" + (f"&cursor={urllib.parse.quote(cursor)}" if cursor else ""))
            found += page["data"]
            cursor = page["next_cursor"]
            if not cursor:
                return found

    def upload(self, path, name, content, headers=None):
        """Sends a file."""
        boundary = uuid.uuid4().hex
        quoted = name.replace("\\", "\\\\").replace('"', "%22")
        head = f'--{boundary}\r\ncontent-disposition: form-data; name="file"; filename="{quoted}"\r\n'
        body = head.encode() + b"content-type: text/csv\r\n\r\n" + content + f"\r\n--{boundary}--\r\n".encode()
        headers = {"content-type": f"multipart/form-data; boundary={boundary}", **(headers or {})}
        return self.ask("POST", path, body, headers)

    def balance(self):
        """What there is, in minor units."""
        return self.get("/balance")["amount"]

    def predict(self, service, name, content):
        """Orders, uploads and waits for the end; returns the prediction."""
        answer = self.upload(f"/predictions?service_id={service}", name, content, {"prefer": "wait=30"}).json()
        deadline = time.monotonic() + PREDICTION_LIMIT_S
        while answer["status"] not in ("succeeded", "failed"):
            assert time.monotonic() < deadline, f"the prediction does not end: {answer}"
            time.sleep(0.1)
            answer = self.get(f"/predictions/{answer['id']}")
        return answer

    def train(self, model, content, asked=""):
        """Pays for a quick training and waits for its end; returns the training."""
        service = "01980000-0000-7000-8000-000000000101"
        path = f"/trainings?training_service_id={service}&model={model}&algorithm=logistic&folds=2&hold_out=0.3{asked}"
        answer = self.upload(path, "labelled.csv", content, {}).json()
        deadline = time.monotonic() + PREDICTION_LIMIT_S
        while answer["status"] not in ("succeeded", "failed"):
            assert time.monotonic() < deadline, f"the training does not end: {answer}"
            time.sleep(0.1)
            answer = self.get(f"/trainings/{answer['id']}")
        return answer


@dataclasses.dataclass
class Customer:
    """Somebody with an account."""

    email: str
    password: str
    api: Caller


class Installation:
    """A running `augur serve --demo`."""

    def __init__(self, environment=None):
        self.directory = tempfile.TemporaryDirectory(prefix="augur-console-")
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.log = pathlib.Path(self.directory.name) / "serve.log"
        names = ("DATABASE_URL", "AMQP_URL", "REDIS_URL", "STORAGE_URL", "JWT_SECRET", "PUBLIC_TLS")
        self.environment = {name: value for name, value in os.environ.items() if name not in names}
        self.environment["AUGUR_DATA_DIR"] = str(pathlib.Path(self.directory.name) / "data")
        self.environment.update(environment or {})
        command = [PROGRAM, "serve", "--demo", "--json", "--listen", f"127.0.0.1:{self.port}"]
        started = time.monotonic()
        with open(self.log, "wb") as log, open(f"{self.directory.name}/demo.json", "wb") as shown:
            self.process = subprocess.Popen(command, env=self.environment, stdout=shown, stderr=log)
        try:
            self._await_readiness()
        except BaseException:
            self.stop()
            raise
        self.ready_after_s = time.monotonic() - started
        with open(f"{self.directory.name}/demo.json", encoding="utf-8") as shown:
            self.shown = json.load(shown)
        self.demo = self._customer_of(self.shown["user"])
        self.administrator = self._customer_of(self.shown["administrator"])

    def stop(self):
        """Ends it, and removes what it kept."""
        self.process.terminate()
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.directory.cleanup()

    def sign_in(self, email, password):
        """A caller with an access token."""
        form = urllib.parse.urlencode({"username": email, "password": password}).encode()
        headers = {"content-type": "application/x-www-form-urlencoded"}
        token = Caller(self.url).ask("POST", "/auth/token", form, headers).json()["access_token"]
        return Caller(self.url, token)

    def customer(self, balance=0, name=None):
        """A new customer with money."""
        email = f"customer-{uuid.uuid4().hex[:12]}@customer.example"
        Caller(self.url).post("/auth/register", {"email": email, "password": PASSWORD, "name": name})
        if balance:
            self.administrator.api.post("/admin/deposits", {"email": email, "amount": balance})
        return Customer(email, PASSWORD, self.sign_in(email, PASSWORD))

    def services(self):
        """The price list, cheapest first."""
        return self.demo.api.get("/services")["data"]

    def run(self, *arguments):
        """Runs another command of the program on this installation, and returns what it printed."""
        return subprocess.run(
            [PROGRAM, *arguments], env=self.environment, check=True, capture_output=True, timeout=120
        ).stdout

    def add_year_of_orders(self, customer, orders, users):
        """Gives a customer who has made a prediction a year of orders, and the installation other users."""
        lines = (pathlib.Path(self.environment["AUGUR_DATA_DIR"]) / "postgres/postmaster.pid").read_text().splitlines()
        command = ["psql", "--quiet", "--no-psqlrc", "--host", lines[4].strip(), "--port", lines[3].strip()]
        command += ["--username", "augur", "--dbname", "augur"]
        command += ["--file", str(CHECKOUT / "tests/console/year_of_orders.sql")]
        for name, value in (("email", customer.email), ("orders", orders), ("users", users)):
            command += ["--set", f"{name}={value}"]
        subprocess.run(command, check=True, timeout=600)

    def _customer_of(self, login):
        return Customer(login["email"], login["password"], self.sign_in(login["email"], login["password"]))

    def _await_readiness(self):
        deadline = time.monotonic() + START_LIMIT_S
        while True:
            try:
                with OPENER.open(f"{self.url}/readyz", timeout=5) as answer:
                    if answer.status == 200:
                        return
            except OSError:
                pass
            if self.process.poll() is not None or time.monotonic() > deadline:
                raise AssertionError("the server did not start:\n" + self.log.read_text(errors="replace")[-4000:])
            time.sleep(0.05)


def free_port():
    """A port that nobody has just now; the program refuses to listen on one that is taken."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


def customers(rows, seed, *more):
    """A customers' file of the generator."""
    return subprocess.run(
        [PROGRAM, "demo-data", "--rows", str(rows), "--seed", str(seed), *more], check=True, capture_output=True
    ).stdout


def with_cells(content, cells):
    """The same file with other cells: (number of the row from 1, column) -> text."""
    rows = list(csv.reader(io.StringIO(content.decode())))
    for (row, column), text in cells.items():
        rows[row][rows[0].index(column)] = text
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerows(rows)
    return written.getvalue().encode()
