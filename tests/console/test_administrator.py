"""An administrator's way through the console."""

import contextlib
import re

from playwright.sync_api import Error, expect

from flow import Flow, installation
from installation import customers
from visitor import Look

LOOKS = [Look(1280, "en", "light"), Look(390, "ru", "dark")]


class Administration(Flow):
    """Money, prices, refunds, and the trace that they leave."""

    def test_whoever_is_no_administrator_finds_nothing(self):
        """Neither the link nor the page."""
        visitor = self.visit(customer=installation().customer())
        visitor.go("/account")
        self.assertEqual(visitor.page.locator("a[href^='/admin']").count(), 0)
        for path in ("/admin", "/admin/users", "/admin/services", "/admin/orders", "/admin/ledger"):
            visitor.go(path, status=404)

    def test_a_top_up_with_a_note_is_made_once_however_often_the_button_is_clicked(self):
        """From the list of users to the customer's own page of money."""
        on = installation()
        for look in LOOKS:
            with self.part(look):
                customer = on.customer()
                visitor = self.visit(look, on.administrator)
                visitor.go("/admin")
                visitor.look_over("admin")
                visitor.go("/admin/users")
                form = visitor.by("form[action='/admin/users']")
                form.locator("[name=q]").fill(customer.email)
                visitor.send(form)
                visitor.by(f"main td a:has-text('{customer.email}')").click()
                visitor.arrive(r"/admin/users/[0-9a-f-]{36}")
                visitor.look_over("admin-user")
                form = visitor.by("form[action$='/top-up']")
                form.locator("[name=amount]").fill("")
                visitor.send(form)
                expect(visitor.by(".field:has([name=amount]) .error")).to_be_visible()
                form = visitor.by("form[action$='/top-up']")
                form.locator("[name=amount]").fill("1234.56" if look.language == "en" else "1234,56")
                form.locator("[name=note]").fill("invoice 1841")
                form.locator("button").dblclick()
                visitor.page.wait_for_load_state()
                expect(visitor.by("main [role=status]")).to_be_visible()
                visitor.page.reload()
                with contextlib.suppress(Error):
                    # Where the page before came from a form, a browser asks instead of sending it again.
                    visitor.page.go_back()
                with contextlib.suppress(Error):
                    visitor.page.wait_for_url("chrome-error://**", timeout=3_000)
                # That question is the browser's own page, for want of an answer that nobody kept.
                visitor.faults[:] = [fault for fault in visitor.faults if "ERR_CACHE_MISS" not in fault]
                moved = customer.api.every("/transactions")
                self.assertEqual([(one["amount"], one.get("note")) for one in moved], [(123_456, "invoice 1841")])
                self.assertEqual(customer.api.balance(), 123_456)
                visitor.go("/admin/audit-log")
                visitor.look_over("admin-audit-log")
                self.assert_logged(visitor, customer)
                own = self.visit(look, customer)
                own.go("/money")
                self.assertIn("invoice 1841", own.by("main").inner_text())

    def assert_logged(self, visitor, customer):
        """The newest deposit of the audit log is the one that was made, and the page shows it."""
        entry = next(
            entry
            for entry in installation().administrator.api.get("/admin/audit-log?limit=100")["data"]
            if entry["action"] == "deposit.made"
        )
        self.assertEqual(entry["tenant_id"], customer.api.get("/me")["tenant_id"])
        self.assertIn(entry["tenant_id"][:8], visitor.page.content())

    def test_a_price_is_changed_for_orders_from_now_on(self):
        """A wrong one is told beside its field; the customer's price list shows the right one."""
        on = installation()
        admin = on.administrator.api
        name = "Overnight scoring"
        body = {"name": name, "model": "logistic", "price": 700}
        service = admin.post("/admin/services", body)
        self.addCleanup(admin.ask, "PATCH", f"/admin/services/{service['id']}", {"active": False})
        for look, typed, shown, price in [(LOOKS[0], "812.34", "812.34", 81_234), (LOOKS[1], "913,57", "913,57", 91_357)]:
            with self.part(look):
                visitor = self.visit(look, on.administrator)
                visitor.go("/admin/services")
                visitor.look_over("admin-services")
                self.change_price(visitor, service, "free")
                expect(visitor.by(".field:has([name=price]) .error")).to_be_visible()
                self.assertNotEqual(admin.get(f"/services/{service['id']}")["price"], price)
                self.change_price(visitor, service, typed)
                visitor.page.wait_for_load_state()
                expect(visitor.by("main [role=status]")).to_be_visible()
                self.assertEqual(admin.get(f"/services/{service['id']}")["price"], price)
                customer = self.visit(look, on.customer())
                customer.go("/predict")
                self.assertIn(shown, customer.by("main").inner_text())
                visitor.go("/admin/audit-log")
                self.assertIn(service["id"][:8], visitor.page.content())

    def change_price(self, visitor, service, price):
        """Opens the service's form, unless it is open, and sends it."""
        form = visitor.page.locator(f"form[action='/admin/services/{service['id']}']")
        if not form.is_visible():
            visitor.page.locator(f"#service-{service['id']} > summary").click()
        form.locator("[name=price]").fill(price)
        form.locator("button").click()
        visitor.page.wait_for_load_state()

    def test_an_order_is_refunded_once_with_a_note(self):
        """A double click is one refund; the audit log and the customer's orders show it."""
        on = installation()
        for look in LOOKS:
            with self.part(look):
                customer = on.customer(100_000)
                prediction = customer.api.predict(on.services()[0]["id"], "june.csv", customers(20, 50))
                order = prediction["order_id"]
                visitor = self.visit(look, on.administrator)
                visitor.go("/admin/orders")
                visitor.look_over("admin-orders")
                visitor.go(f"/admin/orders/{order}")
                visitor.look_over("admin-order")
                visitor.send(visitor.form_to(f"/admin/orders/{order}/refund"))
                expect(visitor.by(".field:has([name=note]) .error")).to_be_visible()
                self.assertEqual(customer.api.get(f"/orders/{order}")["status"], "provided")
                form = visitor.form_to(f"/admin/orders/{order}/refund")
                form.locator("[name=note]").fill("as agreed on the telephone")
                form.locator("[name=sure]").check()
                form.locator("button").dblclick()
                visitor.page.wait_for_load_state()
                expect(visitor.page.locator("form[action$='/refund']")).to_have_count(0)
                self.assertEqual(customer.api.balance(), 100_000)
                self.assertEqual(len(customer.api.every("/transactions")), 3)
                visitor.go("/admin/audit-log")
                self.assertIn(order[:8], visitor.page.content())

    def test_the_ledger_is_checked_and_found_whole(self):
        """The figures are the API's."""
        on = installation()
        for look in LOOKS:
            with self.part(look):
                visitor = self.visit(look, on.administrator)
                visitor.go("/admin/ledger")
                visitor.send(visitor.by("form[action='/admin/ledger']"))
                verdict = visitor.by("main [role=status]")
                verdict.wait_for()
                checked = on.administrator.api.get("/admin/ledger/check")
                self.assertTrue(checked["ok"], checked)
                digits = re.sub(r"[^\d\n]", "", verdict.inner_text()).split()
                self.assertIn(str(checked["transactions"]), digits)
                visitor.look_over("admin-ledger")

    def test_all_predictions_are_seen_without_what_is_in_them(self):
        """An administrator sees whose prediction it is and how it ended."""
        on = installation()
        customer = on.customer(100_000)
        prediction = customer.api.predict(on.services()[0]["id"], "july.csv", customers(20, 51))
        for look in LOOKS:
            with self.part(look):
                visitor = self.visit(look, on.administrator)
                visitor.go("/admin/predictions")
                visitor.look_over("admin-predictions")
                self.assertIn(customer.email, visitor.page.content())
                visitor.go(f"/predictions/{prediction['id']}", status=404)
