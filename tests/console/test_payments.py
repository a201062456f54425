"""Nothing that a hasty hand does with a browser pays twice."""

import re

from flow import Flow, installation
from visitor import Look

RESULT = r"/predictions/[0-9a-f-]{36}(\?.*)?"


class Payments(Flow):
    """Each test counts orders and money before and after, by the API."""

    def begin(self, look=Look()):
        """A customer whose sample is checked and who may pay."""
        self.customer = installation().customer(1_000_000)
        visitor = self.visit(look, self.customer)
        visitor.go("/predict")
        self.check(visitor)
        return visitor

    def check(self, visitor):
        """Takes the sample customers."""
        visitor.by("#sample").click()
        visitor.by("#checked-title").wait_for()

    def assert_orders(self, wanted):
        """So many orders, each debited once, and nothing else."""
        orders = self.customer.api.every("/orders")
        self.assertEqual(len(orders), wanted)
        spent = sum(order["price"] for order in orders)
        self.assertEqual(self.customer.api.balance(), 1_000_000 - spent)
        self.assertEqual(len(self.customer.api.every("/transactions")), wanted + 1)
        self.assertEqual(len(self.customer.api.every("/predictions")), wanted)

    def hold_up(self, visitor, path):
        """Has requests to a path arrive late, so that there is time for a second click. Tells how many there were."""
        seen = []

        def late(route):
            seen.append(route.request.url)
            visitor.page.wait_for_timeout(300)
            route.continue_()

        visitor.page.route(re.compile(re.escape(visitor.url + path)), late)
        return seen

    def test_a_double_click_pays_once(self):
        """Two clicks, or three, while the first is on its way."""
        visitor = self.begin()
        self.hold_up(visitor, "/predict/pay")
        visitor.by("[data-pay]").click(click_count=3, no_wait_after=True)
        visitor.arrive(RESULT)
        self.assert_orders(1)

    def test_two_quick_presses_of_enter_pay_once(self):
        """The keyboard is as quick as the mouse."""
        visitor = self.begin(Look(390, "ru", "dark"))
        self.hold_up(visitor, "/predict/pay")
        visitor.by("[data-pay]").focus()
        visitor.page.keyboard.press("Enter")
        visitor.page.keyboard.press("Enter")
        visitor.arrive(RESULT)
        self.assert_orders(1)

    def test_two_requests_of_one_check_pay_once(self):
        """Even where a browser sends both: the key is the check's."""
        visitor = self.begin()
        seen = self.hold_up(visitor, "/predict/pay")
        visitor.page.evaluate(
            """() => { const button = document.querySelector("[data-pay]:not([disabled])");
                for (let times = 0; times < 2; times += 1) {
                    button.disabled = false;
                    button.dispatchEvent(new MouseEvent("click", { bubbles: true })); } }"""
        )
        visitor.arrive(RESULT)
        self.assertGreaterEqual(len(seen), 1)
        self.assert_orders(1)

    def test_back_after_paying_pays_nothing(self):
        """Back, forward, reload, and the button again where it is still there: the same prediction."""
        visitor = self.begin()
        visitor.by("[data-pay]").click()
        visitor.arrive(RESULT)
        paid = visitor.path()
        visitor.by("main a[href$='/result.csv']").wait_for()
        visitor.page.go_back()
        visitor.arrive("/predict")
        self.assert_orders(1)
        if visitor.page.locator("[data-pay]").filter(visible=True).count():
            visitor.by("[data-pay]").click()
            visitor.arrive(RESULT)
            self.assertEqual(visitor.path(), paid)
        else:
            visitor.page.go_forward()
            visitor.arrive(RESULT)
        visitor.page.reload()
        self.assert_orders(1)
        # Whoever checks anew means to pay anew.
        visitor.go("/predict")
        self.check(visitor)
        visitor.by("[data-pay]").click()
        visitor.arrive(RESULT)
        self.assert_orders(2)
