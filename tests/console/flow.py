"""What every test of the console has: one installation, one Chromium, and a report of what was seen at a failure."""

import atexit
import contextlib
import functools
import re
import traceback
import unittest

from installation import Installation
from visitor import PICTURES, Browser, Look, Visitor


@functools.cache
def browser():
    """The Chromium of this run."""
    started = Browser()
    atexit.register(started.stop)
    return started


@functools.cache
def installation():
    """The installation that most tests share."""
    started = Installation()
    atexit.register(started.stop)
    return started


class Flow(unittest.TestCase):
    """A test in which people visit the console."""

    maxDiff = None

    def setUp(self):
        self.visitors = []

    def visit(self, look=Look(), customer=None, on=None):
        """A new window, signed in where a customer is given."""
        visitor = Visitor(browser(), on or installation(), look)
        self.visitors.append(visitor)
        if customer is not None:
            visitor.sign_in(customer)
        return visitor

    def run(self, result=None):
        """Runs the test, and watches its windows."""
        method = getattr(self, self._testMethodName)

        @functools.wraps(method)
        def watched():
            with self.watching():
                method()

        setattr(self, self._testMethodName, watched)
        return super().run(result)

    @contextlib.contextmanager
    def part(self, name):
        """A part of a test that fails by itself, with windows of its own."""
        with self.subTest(str(name)), self.watching(str(name)):
            yield

    @contextlib.contextmanager
    def watching(self, name=""):
        """Where something fails, tells and keeps what each window showed. Each must be well at the end; then it is closed."""
        before = len(self.visitors)
        try:
            yield
            for visitor in self.visitors[before:]:
                visitor.assert_well()
        except unittest.SkipTest:
            raise
        except BaseException as error:
            raise AssertionError(self._report(error, name)) from None
        finally:
            for visitor in self.visitors[before:]:
                visitor.leave()
            del self.visitors[before:]

    def _report(self, error, part):
        told = ["".join(traceback.format_exception(error))]
        for number, visitor in enumerate(self.visitors, 1):
            name = re.sub(r"\W+", "-", f"{self._testMethodName} {part}")[:120]
            picture = PICTURES / f"failed-{name}-{number}.png"
            try:
                PICTURES.mkdir(parents=True, exist_ok=True)
                visitor.page.screenshot(path=picture, full_page=True, timeout=5000)
            except Exception as fault:  # pylint: disable=broad-exception-caught
                told.append(f"no picture: {fault}")
            told.append(f"--- window {number} ({visitor.look}), {picture}, was at {visitor.said()}")
            told += [f"!!! {fault}" for fault in dict.fromkeys(visitor.faults)]
        return "\n".join(told)
