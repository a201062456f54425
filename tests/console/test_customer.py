"""A customer's way through the console, from a fresh start to everything that an account has."""

import csv
import io
import os
import re
import subprocess
import tempfile

from playwright.sync_api import expect

from flow import Flow, installation
from installation import Caller, customers, with_cells
from visitor import Look

LOOKS = [Look(1280, "en", "light"), Look(390, "ru", "dark"), Look(390, "en", "light"), Look(1280, "ru", "dark")]
CLICKS_MAX = 5
RESULT = r"/predictions/[0-9a-f-]{36}(\?.*)?"


def rows_of(content):
    """The records of a CSV file, each by its columns' names."""
    return list(csv.DictReader(io.StringIO(content.decode("utf-8-sig"))))


class Predicting(Flow):
    """From a file to a result."""

    def check_sample(self, visitor):
        """Takes the sample customers, and waits for what was found in them."""
        visitor.click(visitor.by("#sample"))
        visitor.by("#checked-title").wait_for()

    def pay(self, visitor):
        """Pays for the chosen model and waits for the result."""
        visitor.click(visitor.by("[data-pay]"))
        visitor.arrive(RESULT)
        self.await_result(visitor)

    def await_result(self, visitor):
        """Waits until the result is shown whole: what is long is watched as it comes."""
        visitor.by("main a[href$='/result.csv']").wait_for()
        visitor.by("#riskiest tbody tr").wait_for()

    def prediction_of(self, visitor):
        """The id in the address."""
        return re.search("[0-9a-f-]{36}", visitor.page.url).group()

    def test_from_a_fresh_start_to_the_result_in_at_most_five_clicks(self):
        """Sign in, take the sample, pay, read, download; as on a computer and on a telephone, in both languages."""
        for look in LOOKS:
            with self.part(look):
                on = installation()
                before = on.demo.api.balance()
                visitor = self.visit(look)
                visitor.go("/")
                visitor.arrive(r"/sign-in.*")
                visitor.clicks = 0
                form = visitor.form_to("/sign-in")
                form.locator("[name=email]").fill(on.demo.email)
                form.locator("[name=password]").fill(on.demo.password)
                visitor.send(form)
                visitor.arrive("/predict")
                visitor.look_over("predict")
                self.check_sample(visitor)
                visitor.look_over("predict-checked")
                self.assertEqual(on.demo.api.balance(), before, "checking is free")
                self.pay(visitor)
                with visitor.page.expect_download() as downloading:
                    visitor.click(visitor.by("main a[href$='/result.csv']"))
                self.assertLessEqual(visitor.clicks, CLICKS_MAX)
                visitor.look_over("result")
                self.assert_result(visitor, downloading.value)
                self.assert_paid_once(visitor, before)

    def assert_result(self, visitor, download):
        """The page says what the file says, the riskiest first."""
        api = installation().demo.api
        prediction = self.prediction_of(visitor)
        stored = api.ask("GET", f"/predictions/{prediction}/result").body
        with open(download.path(), "rb") as file:
            self.assertEqual(file.read(), stored, "the download is the result")
        found = rows_of(stored)
        riskiest = sorted((float(row["churn_probability"]) for row in found), reverse=True)
        first = self.percentages(visitor)
        self.assertEqual(first, sorted(first, reverse=True))
        self.assertAlmostEqual(first[0], riskiest[0] * 100, delta=0.6)
        summary = api.get(f"/predictions/{prediction}")["summary"]
        digits = re.sub(r"\D", "", visitor.page.locator("main").inner_text())
        self.assertIn(str(summary["leaves"]), digits, "how many are likely to leave")

    def percentages(self, visitor):
        """The probabilities that the table shows."""
        shown = visitor.page.locator("#riskiest tbody td .num").all_inner_texts()
        return [float(re.sub(r"[^\d.,]", "", text).replace(",", ".")) for text in shown]

    def assert_paid_once(self, visitor, before):
        """One order, debited once, and the header shows what is left."""
        api = installation().demo.api
        order = api.get(f"/orders/{api.get('/predictions/' + self.prediction_of(visitor))['order_id']}")
        self.assertEqual(order["status"], "provided")
        self.assertEqual(before - api.balance(), order["price"])
        shown = re.sub(r"\D", "", visitor.page.locator("#balance").inner_text())
        self.assertEqual(int(shown), api.balance(), "in minor units, with both decimals shown")

    def test_the_whole_way_by_the_keyboard_alone(self):
        """From the first field to the download without a mouse; where the focus is can be seen."""
        on = installation()
        visitor = self.visit(Look(1280, "en", "dark"))
        keys = visitor.page.keyboard
        visitor.go("/")
        visitor.tab_to("[name=email]")
        keys.type(on.demo.email)
        visitor.tab_to("[name=password]")
        keys.type(on.demo.password)
        keys.press("Enter")
        visitor.arrive("/predict")
        visitor.tab_to("#sample")
        keys.press("Enter")
        visitor.by("#checked-title").wait_for()
        visitor.tab_to("input[name=service]")
        chosen = visitor.page.evaluate("() => document.activeElement.value")
        keys.press("ArrowDown")
        self.assertNotEqual(visitor.page.evaluate("() => document.activeElement.value"), chosen)
        visitor.tab_to("[data-pay]")
        visitor.assert_focus_is_seen()
        keys.press("Enter")
        visitor.arrive(RESULT)
        self.await_result(visitor)
        self.assertNotEqual(on.demo.api.get(f"/predictions/{self.prediction_of(visitor)}")["status"], "failed")
        visitor.tab_to("main a[href$='/result.csv']")
        with visitor.page.expect_download():
            keys.press("Enter")
        visitor.tab_to("details.who summary")
        keys.press("Enter")
        visitor.tab_to("form[action='/sign-out'] button")
        keys.press("Enter")
        visitor.arrive(r"/sign-in.*")

    def test_the_riskiest_are_paged_through_to_the_last(self):
        """Page by page and to the end, the whole file is there in order."""
        on = installation()
        customer = on.customer(100_000)
        prediction = customer.api.predict(on.services()[0]["id"], "many.csv", customers(1_234, 21))
        found = rows_of(customer.api.ask("GET", f"/predictions/{prediction['id']}/result").body)
        wanted = sorted((float(row["churn_probability"]) * 100 for row in found), reverse=True)
        for look in LOOKS[:2]:
            with self.part(look):
                visitor = self.visit(look, customer)
                visitor.go(f"/predictions/{prediction['id']}")
                self.await_result(visitor)
                seen = self.percentages(visitor)
                self.turn(visitor, visitor.by("#riskiest .pager a[rel=next]"))
                visitor.by("#riskiest .pager a[rel=prev]").wait_for()
                seen += self.percentages(visitor)
                for shown, real in zip(seen, wanted, strict=False):
                    self.assertAlmostEqual(shown, real, delta=0.6)
                visitor.look_over("result-second-page")
                self.turn(visitor, visitor.page.locator("#riskiest .pager a").last)
                expect(visitor.page.locator("#riskiest .pager a[rel=next]")).to_have_count(0)
                self.assertAlmostEqual(self.percentages(visitor)[-1], wanted[-1], delta=0.6)
                visitor.page.reload()
                self.await_result(visitor)

    def turn(self, visitor, link):
        """Turns to another page of the table, and waits until it is there."""
        first = visitor.page.locator("#riskiest tbody").inner_text()
        visitor.click(link)
        expect(visitor.page.locator("#riskiest tbody")).not_to_have_text(first, use_inner_text=True)

    def test_cells_that_cannot_be_read_are_shown_by_line_and_their_rows_left_out(self):
        """The check names them; the result keeps their lines and says why."""
        on = installation()
        customer = on.customer(100_000)
        content = with_cells(customers(60, 22), {(14, "TotalCharges"): "n/a!", (30, "tenure"): "long"})
        for look in LOOKS[:2]:
            with self.part(look):
                visitor = self.visit(look, customer)
                visitor.go("/predict")
                visitor.choose("#file", "march.csv", content)
                visitor.by("#checked-title").wait_for()
                faults = visitor.by(".faults").inner_text()
                self.assertRegex(faults, r"\b15\b")
                self.assertIn("TotalCharges", faults)
                visitor.look_over("predict-problems")
                visitor.by("#leave-out").uncheck()
                expect(visitor.by("[data-pay]")).to_be_disabled()
                visitor.by("#leave-out").check()
                self.pay(visitor)
                now = customer.api.get(f"/predictions/{self.prediction_of(visitor)}")
                self.assertEqual(now["summary"]["rows_skipped"], 2)

    def test_a_file_that_lacks_columns_is_refused_with_their_names_and_a_template(self):
        """Nothing is paid, and the template that is offered can be predicted."""
        on = installation()
        customer = on.customer(100_000)
        for look in LOOKS[:2]:
            with self.part(look):
                visitor = self.visit(look, customer)
                visitor.go("/predict")
                visitor.choose("#file", "short.csv", b"name,age\nAnn,30\n")
                refused = visitor.by("#drop-error [role=alert]")
                refused.wait_for()
                self.assertIn("tenure", refused.inner_text())
                visitor.look_over("predict-refused")
                with visitor.page.expect_download() as downloading:
                    refused.locator("a[href^='/template.csv']").click()
                with open(downloading.value.path(), "rb") as file:
                    visitor.choose("#file", "template.csv", file.read())
                visitor.by("#checked-title").wait_for()
                self.assertEqual(visitor.page.locator(".faults").count(), 0)
        self.assertEqual(customer.api.balance(), 100_000)

    def test_a_failed_prediction_says_where_and_that_the_money_is_back(self):
        """Line and column, the refund in sight, the template to download."""
        on = installation()
        customer = on.customer(100_000)
        content = with_cells(customers(40, 23), {(14, "TotalCharges"): "n/a!"})
        prediction = customer.api.predict(on.services()[0]["id"], "april.csv", content)
        self.assertEqual(prediction["status"], "failed")
        self.assertEqual(customer.api.balance(), 100_000)
        for look in LOOKS[:2]:
            with self.part(look):
                visitor = self.visit(look, customer)
                visitor.go(f"/predictions/{prediction['id']}")
                said = visitor.by("main").inner_text()
                self.assertIn("TotalCharges", said)
                self.assertRegex(said, r"\b15\b")
                expect(visitor.by("main [role=status]")).to_be_visible()
                visitor.look_over("failed")
                visitor.by("main a[href='/money']").click()
                visitor.arrive("/money")
                self.assertIn("april.csv", visitor.by("main").inner_text())

    def test_whoever_has_too_little_money_is_told_how_much_is_missing(self):
        """The button is not there to be pressed in vain."""
        on = installation()
        price = on.services()[0]["price"]
        customer = on.customer(price - 333)
        for look in LOOKS[:2]:
            with self.part(look):
                visitor = self.visit(look, customer)
                visitor.go("/predict")
                self.check_sample(visitor)
                visitor.page.locator("input[name=service]").first.check()
                expect(visitor.by("[data-pay]")).to_be_disabled()
                self.assertRegex(visitor.by(".pay").inner_text(), r"3[.,]33")
                visitor.look_over("predict-poor")


class Keeping(Flow):
    """What an account has: lists, money, keys."""

    def test_predictions_and_orders_are_listed_filtered_and_paged(self):
        """Everything is on some page, newest first, and a filter leaves what it says."""
        on = installation()
        customer = on.customer(1_000_000)
        cheapest = on.services()[0]["id"]
        for number in range(24):
            customer.api.predict(cheapest, f"file-{number:02}.csv", customers(3, 40 + number))
        customer.api.predict(cheapest, "broken.csv", with_cells(customers(3, 70), {(1, "tenure"): "long"}))
        for look in LOOKS[:2]:
            with self.part(look):
                visitor = self.visit(look, customer)
                visitor.go("/predictions")
                visitor.look_over("predictions")
                listed = self.through(visitor)
                self.assertEqual(len(listed), 25)
                self.assertIn("broken.csv", listed[0])
                visitor.go("/predictions")
                visitor.by("select[name=status]").select_option("failed")
                visitor.arrive(r"/predictions\?.*status=failed.*")
                self.assertEqual(len(self.through(visitor)), 1)
                visitor.go("/orders")
                visitor.look_over("orders")
                self.assertEqual(len(self.through(visitor)), 25)

    def through(self, visitor):
        """The rows of a list, page after page."""
        rows = visitor.page.locator("main tbody tr").all_inner_texts()
        while visitor.page.locator(".pager a[rel=next]").count():
            visitor.page.locator(".pager a[rel=next]").click()
            visitor.page.wait_for_load_state()
            rows += visitor.page.locator("main tbody tr").all_inner_texts()
        return rows

    def test_an_unused_order_is_cancelled_once_and_the_money_is_back(self):
        """Two quick clicks are one cancelling."""
        on = installation()
        service = on.services()[0]
        for look in LOOKS[:2]:
            with self.part(look):
                customer = on.customer(100_000)
                order = customer.api.post("/orders", {"service_id": service["id"]})
                visitor = self.visit(look, customer)
                visitor.go("/orders")
                visitor.by(f"details.confirm:has(form[action='/orders/{order['id']}/cancel']) > summary").click()
                visitor.form_to(f"/orders/{order['id']}/cancel").locator("button").first.dblclick()
                visitor.arrive(r"/orders.*notice=cancelled.*")
                self.assertEqual(customer.api.get(f"/orders/{order['id']}")["status"], "refunded")
                self.assertEqual(customer.api.balance(), 100_000)
                self.assertEqual(len(customer.api.every("/transactions")), 3)

    def test_money_shows_every_transaction_and_the_statement_has_them_all(self):
        """The statement of the month, line by line against the API."""
        on = installation()
        customer = on.customer(1_000_000)
        cheapest = on.services()[0]["id"]
        for number in range(22):
            customer.api.predict(cheapest, f"may-{number:02}.csv", customers(2, 80 + number))
        customer.api.predict(cheapest, "broken.csv", with_cells(customers(2, 99), {(1, "tenure"): "long"}))
        moved = customer.api.every("/transactions")
        # Order, amount and balance after it, in minor units.
        oldest_first = [
            [one.get("order_id") or "", ("-" if one["kind"] == "debit" else "") + str(one["amount"]), str(one["balance_after"])]
            for one in reversed(moved)
        ]
        for look, delimiter in zip(LOOKS[:2], ",;"):
            with self.part(look):
                visitor = self.visit(look, customer)
                visitor.go("/money")
                visitor.look_over("money")
                self.assertEqual(len(self.through(visitor)), len(moved))
                visitor.go("/money")
                with visitor.page.expect_download() as downloading:
                    visitor.form_to("/money/statement.csv").locator("button").click()
                with open(downloading.value.path(), "rb") as file:
                    statement = file.read().decode("utf-8-sig")
                header, opening, *lines, closing = csv.reader(io.StringIO(statement), delimiter=delimiter)
                self.assertEqual({len(line) for line in (header, opening, *lines, closing)}, {9})
                self.assertEqual([line[3:4] + line[7:] for line in lines], oldest_first)
                self.assertEqual((opening[8], closing[8]), ("0", str(customer.api.balance())))

    def test_a_key_is_shown_once_and_its_snippets_run_as_they_stand(self):
        """curl and Python in an empty directory beside customers.csv; a revoked key opens nothing."""
        on = installation()
        for look in LOOKS[:2]:
            with self.part(look):
                customer = on.customer(1_000_000)
                visitor = self.visit(look, customer)
                visitor.go("/api-keys")
                visitor.look_over("api-keys-none")
                form = visitor.form_to("/api-keys")
                visitor.send(form)
                expect(visitor.by(".field:has([name=name]) .error")).to_be_visible()
                form = visitor.form_to("/api-keys")
                form.locator("[name=name]").fill("nightly job")
                visitor.send(form)
                shown = visitor.by(".made code")
                shown.wait_for()
                key = shown.inner_text().strip()
                self.assertRegex(key, r"^augur_[0-9a-f]{8}_[0-9a-f]{48}$")
                visitor.look_over("api-keys-made")
                snippets = [text for text in visitor.page.locator("main pre code").all_inner_texts() if "customers.csv" in text]
                self.assertEqual(len(snippets), 2)
                for snippet, command in zip(snippets, (["sh", "-e", "-c"], ["python3", "-c"]), strict=True):
                    self.assertLessEqual(len(snippet.strip().splitlines()), 10)
                    self.run_snippet(command, snippet)
                visitor.go("/api-keys")
                self.assertNotIn(key, visitor.page.content(), "it is shown once")
                self.assertEqual(Caller(on.url, key).ask("GET", "/me").status, 200)
                visitor.by("details.confirm:has(form[action$='/revoke']) > summary").click()
                visitor.send(visitor.by("details.confirm form[action$='/revoke']"))
                visitor.arrive(r"/api-keys.*notice=revoked.*")
                Caller(on.url, key).ask("GET", "/me", wanted=(401,))

    def run_snippet(self, command, snippet):
        """Runs what is shown as it stands, and looks at what it leaves."""
        with tempfile.TemporaryDirectory() as directory:
            with open(f"{directory}/customers.csv", "wb") as file:
                file.write(customers(25, 31))
            environment = {**os.environ, "no_proxy": "*"}
            environment.pop("AUGUR_API_KEY", None)
            done = subprocess.run(
                [*command, snippet], cwd=directory, env=environment, capture_output=True, timeout=60, check=False
            )
            said = f"{snippet}\n{done.stdout.decode()}\n{done.stderr.decode()}"
            self.assertEqual(done.returncode, 0, said)
            with open(f"{directory}/result.csv", "rb") as file:
                found = rows_of(file.read())
            self.assertEqual(len(found), 25, said)
            self.assertTrue(all(row["stays"] in "01" for row in found), said)
