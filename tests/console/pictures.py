"""Makes the pictures of the console that the README and docs/console show. `scripts/console --pictures` runs it.

The installation has a company with a year of orders behind it and some predictions of today; nothing in the pictures is
anybody's real data.
"""

import io
import pathlib
import sys

from PIL import Image

from installation import Caller, Customer, Installation, PASSWORD, customers, with_cells
from learning_loop import BOOSTING, Journey, Size
from visitor import Browser, Look, Visitor

COLOURS = 160
ORDERS = 240
USERS = 40
EMAIL = "anna@northwind.example"
LIGHT, DARK = Look(1280, "en", "light"), Look(1280, "en", "dark")
RUSSIAN, PHONE, PHONE_DARK = Look(1280, "ru", "light"), Look(390, "en", "light"), Look(390, "ru", "dark")


class Gallery:
    """Takes pictures of what one person sees."""

    def __init__(self, browser, on, directory):
        self.browser = browser
        self.on = on
        self.directory = pathlib.Path(directory)
        self.directory.mkdir(parents=True, exist_ok=True)

    def visit(self, look, customer=None):
        """A window."""
        visitor = Visitor(self.browser, self.on, look)
        if customer is not None:
            visitor.sign_in(customer)
        return visitor

    def take(self, visitor, name, path=None, awaited="h1"):
        """A picture of what fits a screen, of few colours so that it is small."""
        if path is not None:
            visitor.go(path)
        visitor.by(awaited).wait_for()
        visitor.page.wait_for_load_state("networkidle")
        visitor.page.evaluate("() => document.fonts.ready")
        taken = Image.open(io.BytesIO(visitor.page.screenshot()))
        few = taken.convert("RGB").quantize(COLOURS, method=Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE)
        few.save(self.directory / f"{name}.png", optimize=True)
        print(f"{name}.png", (self.directory / f"{name}.png").stat().st_size // 1000, "kB", flush=True)
        visitor.assert_well()


def company(on):
    """A customer with a history."""
    registration = {"email": EMAIL, "password": PASSWORD, "name": "Northwind Telecom"}
    Caller(on.url).post("/auth/register", registration)
    on.administrator.api.post("/admin/deposits", {"email": EMAIL, "amount": 500_000, "note": "invoice 1799"})
    customer = Customer(EMAIL, PASSWORD, on.sign_in(EMAIL, PASSWORD))
    services = on.services()
    customer.api.predict(services[0]["id"], "customers_january.csv", customers(4_100, 1))
    on.add_year_of_orders(customer, ORDERS, USERS)
    for number, (name, rows) in enumerate([("north", 6_210), ("south", 3_870), ("business", 1_144), ("east", 9_402)]):
        service = services[number % len(services)]["id"]
        customer.api.predict(service, f"customers_{name}.csv", customers(rows, 2 + number))
    wrong = with_cells(customers(500, 9), {(13, "TotalCharges"): "n/a"})
    failed = customer.api.predict(services[1]["id"], "customers_west.csv", wrong)
    done = customer.api.predict(services[-1]["id"], "customers_march.csv", customers(48_210, 12))
    customer.api.post("/orders", {"service_id": services[0]["id"]})
    for name, scope in (("nightly job", "write"), ("dashboard", "read")):
        customer.api.post("/api-keys", {"name": name, "scope": scope})
    return customer, done, failed


def learning_loop(browser, directory):
    """The pages of a model that has been replaced by a better one."""
    on = Installation({"WEBHOOK_ALLOW_PRIVATE": "true"})
    try:
        gallery, windows = Gallery(browser, on, directory), []

        def take(name, path):
            if not windows:
                windows.append(gallery.visit(LIGHT, journey.customer))
            gallery.take(windows[0], name, path)

        size = Size(
            training=customers(400, 70, "--labels"), rows_usual=2000, rows_shifted=5000, shift=1.5,
            asked="algorithm=xgboost&folds=3&hold_out=0.4", training_service=BOOSTING,
        )
        journey = Journey(on, size, take)
        journey.go()
        plan = {"contacts": 500, "contact_cost": 5_000, "customer_value": 300_000, "success_rate": 0.3}
        plan = journey.api.post(f"/predictions/{journey.scored['id']}/plans", plan)
        take("loop-plan", f"/plans/{plan['id']}")
        take("loop-risk-tiers", "/risk-tiers")
    finally:
        on.stop()


def main(directory):
    """All pictures, in the order of the journey."""
    on, browser = Installation(), Browser()
    try:
        customer, done, failed = company(on)
        gallery = Gallery(browser, on, directory)
        result = f"/predictions/{done['id']}"
        gallery.take(gallery.visit(LIGHT), "sign-in", "/sign-in")
        light = gallery.visit(LIGHT, customer)
        gallery.take(light, "predict", "/predict")
        light.choose("#file", "customers_march.csv", customers(48_210, 12))
        gallery.take(light, "predict-checked", awaited="#checked-title")
        gallery.take(light, "result", result, "#riskiest tbody tr")
        gallery.take(light, "failed", f"/predictions/{failed['id']}")
        gallery.take(light, "predictions", "/predictions")
        gallery.take(light, "orders", "/orders")
        gallery.take(light, "money", "/money?days=365")
        gallery.take(light, "api-keys", "/api-keys")
        gallery.take(light, "account", "/account")
        gallery.take(gallery.visit(DARK, customer), "result-dark", result, "#riskiest tbody tr")
        gallery.take(gallery.visit(RUSSIAN, customer), "result-ru", result, "#riskiest tbody tr")
        phone = gallery.visit(PHONE, customer)
        gallery.take(phone, "phone-result", result, "#riskiest tbody tr")
        gallery.take(phone, "phone-money", "/money?days=365")
        phone = gallery.visit(PHONE_DARK, customer)
        phone.go("/predict")
        phone.by("#sample").click()
        gallery.take(phone, "phone-check-ru-dark", awaited="#checked-title")
        admin = gallery.visit(LIGHT, on.administrator)
        user = customer.api.get("/me")["id"]
        for name, path in [
            ("admin", "/admin"),
            ("admin-users", "/admin/users"),
            ("admin-user", f"/admin/users/{user}"),
            ("admin-services", "/admin/services"),
            ("admin-orders", "/admin/orders"),
            ("admin-predictions", "/admin/predictions"),
            ("admin-ledger", "/admin/ledger?check=now"),
            ("admin-audit-log", "/admin/audit-log"),
        ]:
            gallery.take(admin, name, path)
        learning_loop(browser, directory)
    finally:
        browser.stop()
        on.stop()


if __name__ == "__main__":
    main(sys.argv[1])
