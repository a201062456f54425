"""The learning loop from its first training to the version that replaces it, as a customer goes through it.

Two versions are trained and the better one goes through the gate into production; customers are scored; then others
come, who are not like those of the training, and their outcomes; drift is raised and told to a webhook, the model is
trained again, the gate compares, and the new version serves. Whatever does not hold ends it with an AssertionError.
"""

import contextlib
import dataclasses
import importlib.util
import http.server
import json
import os
import threading
import time
import urllib.error
import urllib.request

from installation import CHECKOUT, OPENER, customers

LIMIT_S = 900
# The line of the price list that trains boosted trees.
BOOSTING = "01980000-0000-7000-8000-000000000103"
# Without these little is known of who leaves.
WEAK = "&drop=Contract&drop=tenure&drop=InternetService&drop=MonthlyCharges&drop=TotalCharges"
EVENTS = [
    "prediction.succeeded", "prediction.failed", "training.succeeded", "training.failed", "drift.detected",
    "version.promoted", "balance.low", "result.expiring",
]


@dataclasses.dataclass(frozen=True)
class Size:
    """How many customers there are, and what is trained."""

    training: bytes
    rows_usual: int
    rows_shifted: int
    shift: float
    asked: str
    training_service: str


class Receiver:
    """A receiver of webhooks that believes what the sample of docs/webhooks believes."""

    def __init__(self):
        specification = importlib.util.spec_from_file_location("verify", CHECKOUT / "docs/webhooks/verify.py")
        sample = importlib.util.module_from_spec(specification)
        specification.loader.exec_module(sample)
        self.secret, self.events, self.refused = "", {}, []
        receiver = self

        class Handler(http.server.BaseHTTPRequestHandler):
            """Keeps each event under its id."""

            def do_POST(self):
                """Takes one."""
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                try:
                    receiver.events[self.headers["webhook-id"]] = sample.verify(receiver.secret, self.headers, body)
                except ValueError as error:
                    receiver.refused.append(str(error))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                """Says nothing."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/augur"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def stop(self):
        """Listens no longer."""
        self.server.shutdown()
        self.server.server_close()

    def of(self, kind):
        """The events of a kind that were believed."""
        return [event["data"] for event in self.events.values() if event["type"] == kind]


def eventually(what, look):
    """What `look` finds, once it finds something."""
    deadline = time.monotonic() + LIMIT_S
    while True:
        found = look()
        if found:
            return found
        assert time.monotonic() < deadline, f"in {LIMIT_S} s not: {what}"
        time.sleep(0.2)


def expect(holds, what):
    """Ends the journey where something does not hold."""
    if not holds:
        raise AssertionError(what)


class Journey:
    """One customer's way through the loop. `pictured(name, path)` looks at a page."""

    def __init__(self, on, size, pictured=lambda name, path: None, say=lambda text: None):
        self.on, self.size, self.pictured, self.say = on, size, pictured, say
        self.customer = on.customer(100_000_000, "Northwind Telecom")
        self.api = self.customer.api
        self.trainings = []

    def go(self):
        """From the first step to the last."""
        with contextlib.closing(Closing(Receiver())) as held:
            self.receiver = held.one
            self.listen()
            self.train_two_versions()
            self.follow()
            self.score_customers_like_those_of_the_training()
            self.score_others()
            self.tell_outcomes()
            self.be_trained_again()
            self.be_served_by_the_new_version()
            self.be_told()
            if os.environ.get("MLFLOW_TRACKING_URI"):
                self.find_it_in_mlflow(os.environ["MLFLOW_TRACKING_URI"])
            self.look_at_every_page()

    def listen(self):
        """Something of the customer's own wants to know of everything."""
        made = self.api.post("/webhooks", {"url": self.receiver.url, "description": "our CRM", "events": EVENTS})
        self.receiver.secret, self.webhook = made["secret"], made["id"]

    def train(self, more=""):
        """Pays for a training and waits for its version."""
        path = f"/trainings?training_service_id={self.size.training_service}&model=churn&{self.size.asked}{more}"
        training = self.api.upload(path, "labelled.csv", self.size.training).json()
        ended = eventually("a training ends", lambda: self.ended(f"/trainings/{training['id']}"))
        expect(ended["status"] == "succeeded", ended)
        self.trainings.append(ended)
        return ended

    def ended(self, path):
        """What is at a path, once it is final."""
        shown = self.api.get(path)
        return shown if shown["status"] in ("succeeded", "failed") else None

    def promote(self, training):
        """Asks for a version in production, and returns what the gate said."""
        model = training["model"]
        path = f"/models/{model['id']}/versions/{model['version_id']}/promote"
        return self.api.post(path, {"stage": "production", "reason": "first of the journey"})

    def train_two_versions(self):
        """The second knows more than the first, and the gate sees it."""
        weak, good = self.train(WEAK), self.train()
        self.model = good["model"]["id"]
        first = self.promote(weak)
        expect(first["gate"]["verdict"] == "first_version", first)
        second = self.promote(good)
        expect(second["version"]["stage"] == "production" and second["gate"]["comparison"]["low"] > 0, second)
        self.say(f"two versions; the second is in production by the gate: {short(second['gate'])}")
        self.service = self.api.get(f"/models/{self.model}")["service_id"]

    def follow(self):
        """From now on the model is trained again when customers have changed."""
        policy = {
            "training_service_id": self.size.training_service, "price_max": 10_000_000, "month_price_max": 50_000_000,
            "on_drift": True, "quiet_hours": 0, "auto_promote": True,
        }
        self.api.ask("PUT", f"/models/{self.model}/retraining", policy)

    def score(self, name, content):
        """Scores a file whose customers can be told apart."""
        path = f"/predictions?service_id={self.service}&key=customerID"
        prediction = self.api.upload(path, name, content).json()
        ended = eventually("a prediction ends", lambda: self.ended(f"/predictions/{prediction['id']}"))
        expect(ended["status"] == "succeeded", ended)
        return ended

    def score_customers_like_those_of_the_training(self):
        """Nothing is raised for them."""
        usual = self.score("january.csv", customers(self.size.rows_usual, 71))
        expect(usual["model"]["version"] == "2", usual["model"])
        drift = self.api.get(f"/predictions/{usual['id']}/drift")
        expect(drift["level"] != "too_few", drift)
        self.usual_level = drift["level"]

    def score_others(self):
        """Drift is raised for them."""
        self.labelled = customers(self.size.rows_shifted, 72, "--labels", "--shift", str(self.size.shift))
        self.scored = self.score("june.csv", self.labelled)
        drift = self.api.get(f"/predictions/{self.scored['id']}/drift")
        expect(drift["level"] == "major", {name: drift[name] for name in ("level", "rows")})
        monitoring = self.api.get(f"/models/{self.model}/monitoring")
        expect(monitoring["is_raised"], monitoring)
        moved = [one["name"] for one in drift["features"] if one["level"] == "major"]
        self.say(f"customers like those of the training: {self.usual_level}; others: major, by {', '.join(moved)}")

    def tell_outcomes(self):
        """Who has really left."""
        told = self.api.upload(f"/outcomes?model_id={self.model}", "left.csv", self.labelled).json()
        expect(told["rows_joined"] == self.size.rows_shifted, told)
        performance = self.api.get(f"/models/{self.model}/performance")
        figures = next(one["figures"] for one in performance["versions"] if one["version"] == "2")
        self.say(f"{told['rows_joined']} outcomes: the version in production has a true AUC of {figures['auc']['value']:.4f}")

    def runs(self):
        """What has been done to train the model again, newest first."""
        return self.api.get(f"/models/{self.model}/retraining/runs")["data"]

    def be_trained_again(self):
        """Drift has set it off, once; the gate decides on customers whom neither version has learned from."""
        over = ("failed", "refused", "passed", "promoted")
        run = eventually(
            "the model is trained again", lambda: next((one for one in self.runs() if one["status"] in over), None)
        )
        expect(run["status"] == "promoted" and run["trigger"] == "drift", run)
        started = [one for one in self.runs() if one.get("training_id")]
        expect(len(started) == 1, started)
        training = self.api.get(f"/trainings/{run['training_id']}")
        self.trainings.append(training)
        expect(self.api.get(f"/orders/{training['order_id']}")["status"] == "provided", training)
        gate = next(line["detail"]["gate"] for line in run["lines"] if "gate" in line["detail"])
        expect(gate["comparison"]["low"] > 0, gate)
        self.say(f"trained again by drift, with {run['customers']}; the gate: {short(gate)}")

    def be_served_by_the_new_version(self):
        """The next file is scored by it."""
        shown = self.api.get(f"/models/{self.model}")
        served = self.score("july.csv", customers(self.size.rows_usual, 73, "--shift", str(self.size.shift)))
        expect(served["model"]["version"] == "3", (shown, served["model"]))
        history = self.api.get(f"/models/{self.model}/history")["data"]
        expect(any(line["to_stage"] == "production" for line in history), history)
        self.say("version 3 serves")

    def be_told(self):
        """The webhook has been told of each thing once, signed."""
        eventually("three versions are told", lambda: len(self.receiver.of("version.promoted")) >= 3)
        eventually("three trainings are told", lambda: len(self.receiver.of("training.succeeded")) >= 3)
        eventually("predictions are told", lambda: len(self.receiver.of("prediction.succeeded")) >= 3)
        drift = eventually("drift is told", lambda: self.receiver.of("drift.detected"))
        expect(any(one["model_id"] == self.model for one in drift), drift)
        expect(not self.receiver.refused, self.receiver.refused)
        self.say(f"the webhook was told of {len(self.receiver.events)} things, each signed")

    def find_it_in_mlflow(self, url):
        """The same trainings are runs there, and the version in production has its alias."""
        name = f"churn-{self.model}"
        wanted = sorted(one["id"] for one in self.trainings)

        def runs():
            found = mlflow(url, "experiments/get-by-name?experiment_name=" + name)
            if found is None:
                return None
            body = {"experiment_ids": [found["experiment"]["experiment_id"]], "max_results": 100}
            seen = mlflow(url, "runs/search", body).get("runs", [])
            tags = [{tag["key"]: tag["value"] for tag in run["data"]["tags"]} for run in seen]
            ids = sorted(one.get("augur.training_id", "") for one in tags)
            return seen if ids == wanted and all(run["info"]["status"] == "FINISHED" for run in seen) else None

        seen = eventually("MLflow shows the same runs", runs)
        for run in seen:
            figures = {metric["key"]: metric["value"] for metric in run["data"]["metrics"]}
            tags = {tag["key"]: tag["value"] for tag in run["data"]["tags"]}
            ours = next(one for one in self.trainings if one["id"] == tags["augur.training_id"])
            auc = ours["metrics"]["unseen"]["metrics"]["auc"]
            expect(abs(figures["unseen.auc"] - auc) < 1e-12, (figures, auc))
            if ours is self.trainings[-1]:
                newest = run["info"]["run_id"]

        def serving():
            found = mlflow(url, f"registered-models/alias?name={name}&alias=production") or {}
            return found.get("model_version", {}).get("run_id") == newest

        eventually("MLflow's alias production is the new version", serving)
        self.say(f"MLflow shows the same {len(seen)} runs, their figures, and version 3 in production")

    def look_at_every_page(self):
        """Each page that the journey leads to."""
        model, training = self.model, self.trainings[-1]["id"]
        for name, path in (
            ("models", "/models"),
            ("model", f"/models/{model}"),
            ("monitoring", f"/models/{model}/monitoring"),
            ("retraining", f"/models/{model}/retraining"),
            ("train", "/train"),
            ("trainings", "/trainings"),
            ("training", f"/trainings/{training}"),
            ("outcomes", "/outcomes"),
            ("predictions", "/predictions"),
            ("prediction", f"/predictions/{self.scored['id']}"),
            ("webhooks", "/webhooks"),
            ("webhook", f"/webhooks/{self.webhook}"),
            ("money", "/money"),
        ):
            self.pictured(f"loop-{name}", path)


class Closing:
    """Something that is stopped when it is closed."""

    def __init__(self, one):
        self.one = one

    def close(self):
        """Stops it."""
        self.one.stop()


def short(gate):
    """A gate's figures in a line."""
    seen = gate["comparison"]
    return f"AUC {seen['difference']:+.4f}, 95 % {seen['low']:+.4f} to {seen['high']:+.4f}, on {seen['rows']} customers"


def mlflow(url, path, body=None):
    """What MLflow answers; None where it knows of nothing."""
    request = urllib.request.Request(f"{url}/api/2.0/mlflow/{path}")
    if body is not None:
        request.add_header("content-type", "application/json")
        request.data = json.dumps(body).encode()
    try:
        with OPENER.open(request, timeout=30) as answer:
            return json.loads(answer.read())
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise
