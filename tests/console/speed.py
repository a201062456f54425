"""How long the server takes for every page of a tenant that has placed 100,000 orders, written to docs/console/speed.md.

`scripts/console --speed` runs it. Each page is asked for on a connection that stays open, by one caller, and read to its
end: what is measured is the server's time and the way over the loopback.
"""

import http.client
import os
import pathlib
import platform
import re
import sys
import time
import urllib.parse

from installation import CHECKOUT, Installation, customers

ORDERS = 100_000
USERS = 2_000
ROWS = 20_000
WARM_UP = 5
REQUESTS = 50
LIMIT_MS = 50
LISTED = CHECKOUT / "crates/api/src/console/mod.rs"


class Window:
    """A browser's cookies and connection, without a browser."""

    def __init__(self, on, customer=None):
        self.connection = http.client.HTTPConnection("127.0.0.1", on.port, timeout=60)
        self.cookies = {}
        if customer is not None:
            page = self.ask("GET", "/sign-in")[2].decode()
            token = re.search('name="csrf-token" content="([^"]+)"', page).group(1)
            form = {"csrf": token, "email": customer.email, "password": customer.password}
            status, _, _ = self.ask("POST", "/sign-in", urllib.parse.urlencode(form))
            assert status == 303, status

    def ask(self, method, path, form=None):
        """A request; its status, its headers and its whole body."""
        headers = {"accept": "text/html", "cookie": "; ".join(f"{name}={value}" for name, value in self.cookies.items())}
        if form is not None:
            headers["content-type"] = "application/x-www-form-urlencoded"
        try:
            self.connection.request(method, path, body=form, headers=headers)
            answer = self.connection.getresponse()
        except (http.client.RemoteDisconnected, ConnectionError):
            # The server closes what was idle for long; a page can be asked for again.
            self.connection.close()
            self.connection.request(method, path, body=form, headers=headers)
            answer = self.connection.getresponse()
        body = answer.read()
        for cookie in answer.headers.get_all("set-cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer.status, answer.headers, body


def fill(on, customer):
    """Gives a customer a year of orders."""
    logistic = on.services()[0]["id"]
    prediction = customer.api.predict(logistic, "customers.csv", customers(ROWS, 7))
    assert prediction["status"] == "succeeded", prediction
    on.add_year_of_orders(customer, ORDERS, USERS)
    on.run("audit")
    return prediction


def listed_pages():
    """The pages of the console, as its own list has them."""
    source = LISTED.read_text(encoding="utf-8").split("fn listed_pages()")[1].split("\n}")[0]
    parts = re.findall(r'\(\s*"(/[^"]*)"(.*?)(?=\(\s*"/|\Z)', source, re.DOTALL)
    return [path for path, handlers in parts if "get(" in handlers]


def pages(on, customer, prediction):
    """What is asked for: a window, a path with whatever its list needs, and what the page is called."""
    guest, own, admin = Window(on), Window(on, customer), Window(on, on.administrator)
    user = customer.api.get("/me")["id"]
    filtered = {
        "/predictions": ["?status=failed", "?status=succeeded"],
        "/orders": ["?status=refunded", "?status=in_use"],
        "/money": ["?days=365"],
        "/admin/orders": ["?status=refunded", "?status=in_use"],
        "/admin/predictions": ["?status=failed"],
        "/admin/users": ["?q=person-17"],
        "/admin/audit-log": ["?action=deposit.made", "?q=person-17"],
    }
    found = []
    for path in listed_pages():
        if path in ("/", "/preferences", "/account/export") or path.endswith(("/result.csv", "/list.csv")) or path.startswith(("/models/", "/trainings/")):
            continue
        window = guest if path in ("/sign-in", "/sign-up") else admin if path.startswith("/admin") else own
        ids = {"/admin/users/{id}": user, "/admin/orders/{id}": prediction["order_id"]}
        address = path.replace("{id}", ids.get(path, prediction["id"]))
        queries = [""] + filtered.get(path, [])
        if path.endswith("statement.csv"):
            queries = ["?month=" + time.strftime("%Y-%m", time.gmtime(time.time() - 40 * 86400))]
        found += [(window, address + query, path + query) for query in queries]
        page = window.ask("GET", address)[2].decode(errors="replace")
        older = re.search(r'href="([^"]*cursor=[^"]*)"', page)
        if older:
            found.append((window, older.group(1).replace("&amp;", "&"), path + " (older)"))
    return found


def measure(window, address):
    """Milliseconds of each request in order, and the size of the page."""
    taken = []
    for number in range(WARM_UP + REQUESTS):
        started = time.perf_counter()
        status, _, body = window.ask("GET", address)
        if number >= WARM_UP:
            taken.append((time.perf_counter() - started) * 1000)
        assert status == 200, f"{address}: {status}"
    return sorted(taken), len(body)


def machine():
    """What it was measured on."""
    model = re.search(r"model name\s*: (.*)", pathlib.Path("/proc/cpuinfo").read_text(encoding="utf-8"))
    memory_kb = int(re.search(r"MemTotal:\s*(\d+)", pathlib.Path("/proc/meminfo").read_text(encoding="utf-8")).group(1))
    processor = model.group(1) if model else platform.processor()
    return f"{os.cpu_count()} cores of {processor}, {memory_kb / 2**20:.0f} GiB of memory, {platform.system()}"


def main(path):
    """Fills, measures and writes."""
    on = Installation()
    try:
        customer = on.customer(1_000_000)
        prediction = fill(on, customer)
        lines, slow = [], []
        for window, address, name in pages(on, customer, prediction):
            taken, size = measure(window, address)
            middle, high = taken[len(taken) // 2], taken[int(len(taken) * 0.95)]
            lines.append(f"| `{name}` | {size / 1000:.1f} kB | {middle:.1f} | {high:.1f} |")
            print(lines[-1], flush=True)
            if high > LIMIT_MS:
                slow.append(name)
    finally:
        on.stop()
    text = f"""# How fast the pages are

The server's time for every page of a tenant that has placed {ORDERS:,} orders within a year, with {USERS:,} other users
and as many audit events as orders: {REQUESTS} requests one after the other on one connection, read to their end, after
{WARM_UP} that are not counted. The result's page has {ROWS:,} customers. No page may take more than {LIMIT_MS} ms.

`scripts/console --speed`, on {machine()}.

| Page | Size | p50, ms | p95, ms |
|---|---|---|---|
"""
    pathlib.Path(path).parent.mkdir(parents=True, exist_ok=True)
    pathlib.Path(path).write_text(text + "\n".join(lines) + "\n", encoding="utf-8")
    if slow:
        sys.exit(f"over {LIMIT_MS} ms at the 95th percentile: {', '.join(slow)}")


if __name__ == "__main__":
    main(sys.argv[1])
