"""Script text in whatever somebody can name shows as text, and nothing of it runs."""

import uuid

from playwright.sync_api import expect

from flow import Flow, installation
from installation import PASSWORD, Caller, Customer, customers, with_cells
from visitor import Look

SCRIPT = '"><script>alert(1)</script><img src=x onerror=alert(1)>'
LOOKS = [Look(1280, "en", "light"), Look(390, "ru", "dark")]


class ScriptText(Flow):
    """A dialog, an error of a script or a request for the picture fails the test, see Visitor."""

    def evil(self):
        """Somebody whose name, notes, keys, files, columns and cells are script."""
        on = installation()
        email = f"evil-{uuid.uuid4().hex[:10]}@customer.example"
        Caller(on.url).post("/auth/register", {"email": email, "password": PASSWORD, "name": SCRIPT})
        on.administrator.api.post("/admin/deposits", {"email": email, "amount": 1_000_000, "note": SCRIPT})
        customer = Customer(email, PASSWORD, on.sign_in(email, PASSWORD))
        customer.api.post("/api-keys", {"name": SCRIPT, "scope": "write"})
        return customer

    def file(self):
        """A file with script in its columns' names and in its cells, which can be predicted all the same."""
        quoted = '"' + SCRIPT.replace('"', '""') + '"'
        content = with_cells(customers(30, 33), {(number, "customerID"): SCRIPT for number in range(1, 31)})
        return content.replace(b"customerID", quoted.encode(), 1)

    def test_script_in_names_files_columns_cells_keys_and_notes_is_text(self):
        """On every page that shows them, to the customer and to the administrator."""
        on = installation()
        customer = self.evil()
        wrong = with_cells(self.file(), {(5, "TotalCharges"): SCRIPT})
        failed = customer.api.predict(on.services()[0]["id"], "x" + SCRIPT.replace('"', "") + ".csv", wrong)
        self.assertEqual(failed["status"], "failed")
        user = customer.api.get("/me")["id"]
        for look in LOOKS:
            with self.part(look):
                visitor = self.visit(look, customer)
                visitor.go("/predict")
                visitor.choose("#file", SCRIPT.replace("/", "") + ".csv", self.file())
                visitor.by("#checked-title").wait_for()
                self.assert_text(visitor)
                visitor.by("details.more summary").click()
                visitor.by("[data-pay]").click()
                visitor.arrive(r"/predictions/[0-9a-f-]{36}.*")
                visitor.by("#riskiest tbody tr").wait_for()
                self.assert_text(visitor)
                visitor.picture("script-text")
                visitor.go("/predict")
                visitor.choose("#file", SCRIPT.replace("/", "") + ".csv", wrong)
                visitor.by("#checked-title").wait_for()
                self.assert_text(visitor)
                for path in (f"/predictions/{failed['id']}", "/predictions", "/orders", "/money", "/api-keys", "/account"):
                    visitor.go(path)
                    visitor.page.wait_for_load_state()
                    self.assert_nothing_ran(visitor)
                visitor.go("/api-keys")
                self.assert_text(visitor)
                admin = self.visit(look, on.administrator)
                for path in (
                    "/admin/users",
                    f"/admin/users/{user}",
                    "/admin/orders",
                    "/admin/predictions",
                    "/admin/audit-log",
                    f"/admin/orders/{failed['order_id']}",
                ):
                    admin.go(path)
                    admin.page.wait_for_load_state()
                    self.assert_nothing_ran(admin)
                admin.go(f"/admin/users/{user}")
                self.assert_text(admin)

    def assert_text(self, visitor):
        """The text is there to be read."""
        expect(visitor.page.locator("main")).to_contain_text("alert(1)")
        self.assert_nothing_ran(visitor)

    def assert_nothing_ran(self, visitor):
        """No element has come of it."""
        self.assertEqual(visitor.page.locator("img[src=x], img[onerror]").count(), 0)
        scripts = visitor.page.locator("script").all()
        self.assertTrue(all(script.get_attribute("src") for script in scripts))
        visitor.assert_well()
