"""Swagger UI as a newcomer uses it: sign in as the demo user and execute every example as it stands."""

import json
import os
import re
import tempfile
import urllib.parse

from playwright.sync_api import Error

from flow import Flow, installation
from installation import OPENER, Installation, customers

# What asks for a password has no example that works: a password is nobody's but its owner's.
# Whoever has just come has no model, no source, no plan and no outcomes of their own. What is asked of those may be
# refused for what there is not, yet never for how the example asks.
NEEDS_A_HISTORY = {"Monitoring", "Models", "Sources", "Training", "Retraining", "Acting", "Webhooks"}
# These have to be told which model, and what opens a place.
ASKS_FOR_MORE = {"send_outcomes", "create_source"}
ASKS_FOR_A_PASSWORD = {"create_token", "change_password", "close_account"}


class SwaggerUi(Flow):
    """Each test has the document in a browser."""

    def open(self, on):
        """Opens Swagger UI."""
        visitor = self.visit(on=on)
        visitor.go("/docs/")
        visitor.by(".opblock").wait_for()
        # What is folded is not drawn anew at each step.
        for tag in visitor.page.locator(".opblock-tag").all():
            tag.click()
        with OPENER.open(f"{on.url}/api/openapi.json") as answer:
            self.operations = {
                operation["operationId"]: operation
                for path in json.load(answer)["paths"].values()
                for operation in path.values()
                if "operationId" in operation
            }
        return visitor

    def authorize(self, visitor, customer):
        """Signs in by the button Authorize."""
        visitor.by(".btn.authorize").click()
        visitor.by("#oauth_username").fill(customer.email)
        visitor.by("#oauth_password").fill(customer.password)
        visitor.by(".auth-container:has(#oauth_username) button.authorize").click()
        visitor.by(".auth-container button", "Logout").wait_for()
        visitor.by(".btn-done").click()

    def block(self, visitor, operation):
        """The part of the page about one operation, opened."""
        tag = self.operations[operation]["tags"][0]
        block = visitor.page.locator(f"#operations-{tag}-{operation}")
        if not block.count():
            visitor.page.locator(f"#operations-tag-{tag}").click()
        if "is-open" not in block.get_attribute("class").split():
            block.locator(".opblock-summary-control").click()
        block.locator("button.execute").wait_for()
        return block

    def execute(self, visitor, operation):
        """Executes an example as it stands, with the sample file where a file is asked for; returns the status."""
        block = self.block(visitor, operation)
        picker = block.locator("input[type=file]")
        if picker.count():
            picker.set_input_files(self.sample(visitor, block))
        if any(not one.input_value() for one in block.locator("tr[data-param-in=path] input").all()):
            visitor.page.locator(f"#operations-tag-{self.operations[operation]['tags'][0]}").click()
            return 404, "there is nothing whose id could stand here"
        block.locator("button.execute").click()
        row = block.locator(".live-responses-table .response-col_status").last
        row.wait_for()
        status = int(re.search(r"\d{3}", row.inner_text()).group())
        said = block.locator(".live-responses-table .response-col_description").last.inner_text()
        visitor.page.locator(f"#operations-tag-{self.operations[operation]['tags'][0]}").click()
        return status, said

    def sample(self, visitor, block):
        """The sample file, by the link beside the picker."""
        links = block.locator("a", has_text="sample-customers.csv")
        if not links.count():
            return self.kept(customers(200, 5, "--labels"))
        link = links.first
        address = urllib.parse.urljoin(visitor.page.url, link.get_attribute("href"))
        with OPENER.open(address) as answer:
            content = answer.read()
        return self.kept(content)

    def kept(self, content):
        """The path of a file with this content."""
        with tempfile.NamedTemporaryFile(suffix="-sample-customers.csv", delete=False) as file:
            file.write(content)
        self.addCleanup(os.unlink, file.name)
        return file.name

    def test_the_demo_user_goes_from_an_order_to_its_result_without_typing_anything(self):
        """Every example of the journey works, and ids are where the next step wants them."""
        visitor = self.open(installation())
        self.authorize(visitor, installation().demo)
        before = installation().demo.api.balance()
        for operation, wanted in [
            ("list_services", 200),
            ("get_service", 200),
            ("check_file", 200),
            ("place_order", 201),
            ("get_order", 200),
            ("cancel_order", 200),
            ("create_prediction", 200),
            ("get_prediction", 200),
            ("download_result", 200),
            ("watch_prediction", 200),
            ("get_order", 200),
            ("predict", 200),
            ("list_transactions", 200),
        ]:
            status, said = self.execute(visitor, operation)
            self.assertEqual(status, wanted, f"{operation}: {said}")
        price = installation().services()[0]["price"]
        self.assertEqual(before - installation().demo.api.balance(), 2 * price, "a prediction and a call of predict")
        visitor.picture("swagger")

    def test_every_example_of_the_document_works_unedited(self):
        """As the administrator of a demo, from the top of the page to its end."""
        on = Installation()
        self.addCleanup(on.stop)
        visitor = self.open(on)
        self.authorize(visitor, on.administrator)
        on.administrator.api.post("/admin/deposits", {"email": on.administrator.email, "amount": 100_000})
        last = ["cancel_order", "refund_order", "delete_prediction", "get_erasure", "close_user", "log_out"]
        first = [
            "list_services",
            "create_prediction",
            "place_order",
            "list_models",
            "list_model_versions",
            "create_api_key",
            "list_users",
        ]
        skipped = ASKS_FOR_A_PASSWORD | ASKS_FOR_MORE | set(first) | set(last)
        left = [name for name in self.operations if name not in skipped]
        wrong = []
        for operation in first + left + last:
            if operation in ("cancel_order", "refund_order"):
                self.execute(visitor, "place_order")
            if operation == "close_user":
                # Whoever was registered by the example, and not the one who is signed in.
                self.execute(visitor, "list_users")
            try:
                status, said = self.execute(visitor, operation)
            except Error as error:
                status, said = 0, str(error)
            may = self.operations[operation]["tags"][0] in NEEDS_A_HISTORY and status in (403, 404, 409)
            if not (200 <= status < 300 or may):
                wrong.append(f"{operation}: {status} {said[:600]}")
        self.assertEqual(wrong, [])
