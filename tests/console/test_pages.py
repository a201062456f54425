"""What holds for every page in every look; new pages are found by the console's own list."""

import os
import re
import urllib.parse

from playwright.sync_api import Error

from flow import Flow, installation
from installation import CHECKOUT, customers, with_cells
from visitor import Look

# Each width, language and theme once; CONSOLE=full adds the other pairs, for which `make test` has no time.
LOOKS = [Look(1280, "en", "light"), Look(390, "ru", "dark")]
if os.environ.get("CONSOLE") == "full":
    LOOKS += [Look(390, "en", "light"), Look(1280, "ru", "dark"), Look(1280, "en", "dark"), Look(390, "ru", "light")]
FIRST_PAGE_BYTES_MAX = 100_000
# What is no page to be looked at: files, parts of pages, and addresses that lead elsewhere.
NO_PAGES = re.compile(r"\.csv$|/progress$|/report$|/riskiest$|^/$|^/preferences$|^/account/export$|^/admin/queue$")


def listed_pages():
    """The pages of the console, as its own list has them."""
    source = (CHECKOUT / "crates/api/src/console/mod.rs").read_text(encoding="utf-8")
    source = source.split("fn listed_pages()")[1].split("\n}")[0]
    parts = re.findall(r'\(\s*"(/[^"]*)"(.*?)(?=\(\s*"/|\Z)', source, re.DOTALL)
    return [path for path, handlers in parts if "get(" in handlers and not NO_PAGES.search(path)]


class Pages(Flow):
    """Nothing serious for axe-core, nothing beyond the edge, nothing from elsewhere, in both languages and themes."""

    def owner(self):
        """A customer who has something of everything, and the ids of it."""
        on = installation()
        customer = on.customer(1_000_000, "Northwind Telecom")
        service = on.services()[0]["id"]
        done = customer.api.predict(service, "march.csv", customers(300, 60))
        failed = customer.api.predict(service, "april.csv", with_cells(customers(9, 61), {(3, "tenure"): "long"}))
        gone = customer.api.predict(service, "february.csv", customers(9, 62))
        customer.api.ask("DELETE", f"/predictions/{gone['id']}")
        order = customer.api.post("/orders", {"service_id": service})
        trained = self.trained(customer)
        customer.api.post("/api-keys", {"name": "nightly job", "scope": "write"})
        plan = {"contact_cost": 5_000, "customer_value": 300_000, "success_rate": 0.3}
        plan = customer.api.post(f"/predictions/{done['id']}/plans", plan)
        webhook = customer.api.post("/webhooks", {
            "url": "https://hooks.augur.example/churn?tenant=northwind", "description": "our CRM",
            "events": ["prediction.succeeded", "prediction.failed", "balance.low"]})
        customer.api.post(f"/webhooks/{webhook['id']}/test", {})
        source = customer.api.post("/sources", {
            "name": "CRM, every night",
            "place": {"kind": "url", "url": "https://files.augur.example/customers.csv"}})
        customer.api.post(f"/sources/{source['id']}/intakes", {"purpose": "predict", "service_id": service})
        model = customer.api.get(f"/predictions/{done['id']}/drift")["model"]["id"]
        own = trained[0]["model"]["id"]
        offer = customer.api.get("/training-services")["data"][0]
        customer.api.ask("PUT", f"/models/{own}/retraining", {
            "training_service_id": offer["id"], "price_max": offer["price"], "month_price_max": 3 * offer["price"],
            "auc_min": 0.7, "outcomes_min": 500, "every_hours": 720})
        customer.api.post(f"/models/{own}/retrain", {})
        return customer, {
            "/models/{id}/monitoring": [model],
            "/models/{id}/reasons": [model, trained[0]["model"]["id"]],
            "/plans/{id}": [plan["id"]],
            "/predictions/{id}": [done["id"], failed["id"], gone["id"]],
            "/models/{id}": [own],
            "/models/{id}/retraining": [own],
            "/trainings/{id}": [one["id"] for one in trained],
            "/sources/{id}": [source["id"]],
            "/webhooks/{id}": [webhook["id"]],
            "/admin/users/{id}": [customer.api.get("/me")["id"]],
            "/admin/orders/{id}": [order["id"], failed["order_id"]],
        }

    def trained(self, customer):
        """A model with a version in production and one that the gate has refused, and a training that failed."""
        labelled = customers(300, 63, "--labels")
        good = customer.api.train("my-churn", labelled)
        weak = customer.api.train("my-churn", labelled, "&drop=Contract&drop=tenure&drop=InternetService")
        failed = customer.api.train("my-churn", with_cells(labelled, {(3, "Churn"): "perhaps"}))
        for one in (good, weak):
            model = one["model"]
            path = f"/models/{model['id']}/versions/{model['version_id']}/promote"
            # What the gate refuses is part of the history that is looked at.
            customer.api.ask(
                "POST", path, {"stage": "production", "reason": "better on June"}, wanted=(200, 409)
            )
        return [good, weak, failed]

    def test_every_page_is_well_in_every_look(self):
        """As a guest, as a customer with and without a history, and as an administrator."""
        on = installation()
        owner, ids = self.owner()
        newcomer = on.customer()
        for look in LOOKS:
            with self.part(look):
                people = {
                    "guest": self.visit(look),
                    "owner": self.visit(look, owner),
                    "newcomer": self.visit(look, newcomer),
                    "administrator": self.visit(look, on.administrator),
                }
                wrong = []
                for name, path, address, status in self.visits(ids):
                    try:
                        people[name].go(address, status)
                        people[name].look_over("page" + re.sub(r"[/{}]+", "-", path).rstrip("-") + f"-{name}")
                    except (AssertionError, Error) as error:
                        wrong.append(f"{name} at {address}: {error}")
                        people[name].faults.clear()
                self.assertEqual(wrong, [], "\n".join(wrong))

    def visits(self, ids):
        """Who looks at what: name, path, address and status."""
        for path in listed_pages():
            if path in ("/sign-in", "/sign-up"):
                yield "guest", path, path, 200
            elif path.startswith("/admin"):
                for number, one in enumerate(ids.get(path, [""])):
                    yield "administrator", f"{path}{number or ''}", path.replace("{id}", one), 200
            elif "{id}" in path:
                for number, one in enumerate(ids[path]):
                    yield "owner", f"{path}{number or ''}", path.replace("{id}", one), 200
            else:
                yield "owner", path, path, 200
                yield "newcomer", path, path, 200
        yield "owner", "/nowhere", "/nowhere", 404

    def test_the_first_page_weighs_less_than_100_kb(self):
        """All that goes over the wire before somebody can sign in, and before they can predict; then it is kept."""
        visitor = self.visit()
        received = self.weigh(visitor)
        visitor.go("/")
        visitor.page.wait_for_load_state("networkidle")
        self.assertGreater(sum(received.values()), 5_000, "something was weighed")
        self.assertLess(sum(received.values()), FIRST_PAGE_BYTES_MAX, received)
        visitor.sign_in(installation().customer())
        visitor.go("/predict")
        visitor.page.wait_for_load_state("networkidle")
        self.assertLess(sum(received.values()), FIRST_PAGE_BYTES_MAX, received)
        received.clear()
        visitor.go("/predict")
        visitor.page.wait_for_load_state("networkidle")
        self.assertFalse([path for path in received if path.startswith("/assets/")], "assets are kept")

    def weigh(self, visitor):
        """Counts the bytes of what comes over the wire, by path."""
        session = visitor.context.new_cdp_session(visitor.page)
        received, paths = {}, {}

        def answered(event):
            if event["response"].get("fromDiskCache") or event["response"].get("fromPrefetchCache"):
                return
            paths[event["requestId"]] = urllib.parse.urlsplit(event["response"]["url"]).path

        def loaded(event):
            path = paths.pop(event["requestId"], None)
            if path is not None and event["encodedDataLength"]:
                received[path] = received.get(path, 0) + event["encodedDataLength"]

        session.on("Network.responseReceived", answered)
        session.on("Network.loadingFinished", loaded)
        session.send("Network.enable")
        return received
