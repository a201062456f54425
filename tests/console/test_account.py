"""Signing up, in and out, and the account."""

import uuid

from playwright.sync_api import expect

from flow import Flow, installation
from installation import PASSWORD
from visitor import Look

LOOKS = [Look(1280, "en", "light"), Look(390, "ru", "dark")]
NEW_PASSWORD = "nine purple bicycles"


class Account(Flow):
    """Who somebody is, and how they sign in."""

    def test_somebody_signs_up_with_errors_beside_their_fields_and_signs_out(self):
        """A password that is too short and an address that is taken are told where they are typed."""
        taken = installation().customer()
        for look in LOOKS:
            with self.part(look):
                visitor = self.visit(look)
                visitor.go("/")
                visitor.arrive(r"/sign-in.*")
                visitor.look_over("sign-in")
                visitor.by("main a[href='/sign-up']").click()
                visitor.arrive("/sign-up")
                visitor.look_over("sign-up")
                email = f"new-{uuid.uuid4().hex[:10]}@customer.example"
                self.fill_and_send(visitor, "no address", "short", "Ann")
                for field in ("email", "password"):
                    expect(visitor.by(f".field:has([name={field}]) .error")).to_be_visible()
                    expect(visitor.by(f"[name={field}]")).to_have_attribute("aria-invalid", "true")
                expect(visitor.by("[name=name]")).to_have_value("Ann")
                visitor.look_over("sign-up-errors")
                self.fill_and_send(visitor, taken.email, PASSWORD, "Ann")
                expect(visitor.by(".field:has([name=email]) .error")).to_be_visible()
                self.assertEqual(visitor.page.locator(".field:has([name=password]) .error").count(), 0)
                self.fill_and_send(visitor, email, PASSWORD, "Ann")
                visitor.arrive(r"/predict\?notice=welcome")
                self.sign_out(visitor)
                visitor.sign_in_as(email, PASSWORD)
                self.assertEqual(visitor.path(), "/predict")

    def fill_and_send(self, visitor, email, password, name):
        """Fills the form of a new account in and sends it."""
        form = visitor.form_to("/sign-up")
        for field, text in (("email", email), ("password", password), ("name", name)):
            form.locator(f"[name={field}]").fill(text)
        visitor.send(form)
        visitor.page.wait_for_load_state()

    def sign_out(self, visitor):
        """Signs out by the menu."""
        visitor.by("details.who summary").click()
        visitor.send(visitor.form_to("/sign-out"))
        visitor.arrive(r"/sign-in.*")

    def test_a_wrong_password_is_told_and_the_page_that_was_wanted_comes_after_the_right_one(self):
        """Whoever opens a page without a login gets to it by signing in."""
        customer = installation().customer()
        visitor = self.visit()
        visitor.go("/account")
        visitor.arrive(r"/sign-in\?next=%2Faccount")
        form = visitor.form_to("/sign-in")
        form.locator("[name=email]").fill(customer.email)
        form.locator("[name=password]").fill("not the password")
        visitor.send(form)
        expect(visitor.by("[role=alert]")).to_be_visible()
        form = visitor.form_to("/sign-in")
        expect(form.locator("[name=email]")).to_have_value(customer.email)
        form.locator("[name=password]").fill(customer.password)
        visitor.send(form)
        visitor.arrive("/account")

    def test_a_changed_password_ends_the_other_windows_and_a_wrong_one_changes_nothing(self):
        """The errors are beside their fields; the old password opens nothing."""
        for look in LOOKS:
            with self.part(look):
                customer = installation().customer()
                other = self.visit(look, customer)
                visitor = self.visit(look, customer)
                visitor.go("/account")
                visitor.look_over("account")
                self.change_password(visitor, "not the password", NEW_PASSWORD)
                expect(visitor.by(".field:has([name=current_password]) .error")).to_be_visible()
                self.change_password(visitor, PASSWORD, "short")
                expect(visitor.by(".field:has([name=new_password]) .error")).to_be_visible()
                self.change_password(visitor, PASSWORD, NEW_PASSWORD)
                visitor.arrive(r"/account\?notice=password")
                expect(visitor.by("[role=status]")).to_be_visible()
                other.go("/account")
                other.arrive(r"/sign-in.*")
                other.sign_in_as(customer.email, NEW_PASSWORD)

    def change_password(self, visitor, current, new):
        """Fills the form in and sends it."""
        form = visitor.form_to("/account/password")
        form.locator("[name=current_password]").fill(current)
        form.locator("[name=new_password]").fill(new)
        visitor.send(form)
        visitor.page.wait_for_load_state()

    def test_language_and_theme_are_chosen_on_any_page_and_remembered(self):
        """The choice goes before what the browser asks for."""
        visitor = self.visit(Look(1280, "en", "light"), installation().customer())
        visitor.go("/account")
        visitor.by("footer a[hreflang=ru]").click()
        visitor.arrive("/account")
        expect(visitor.page.locator("html")).to_have_attribute("lang", "ru")
        visitor.by("footer a[href*='theme=dark']").click()
        visitor.arrive("/account")
        dark = visitor.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        visitor.by("footer a[href*='theme=light']").click()
        visitor.arrive("/account")
        light = visitor.page.evaluate("() => getComputedStyle(document.body).backgroundColor")
        self.assertNotEqual(dark, light)
        expect(visitor.page.locator("html")).to_have_attribute("lang", "ru")
