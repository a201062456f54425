// What every page of the console does besides being read. No page needs it to be understood; forms work without it.
"use strict";

(() => {
  // As the pages write days themselves: 21 Nov 2026.
  const language = document.documentElement.lang === "en" ? "en-GB" : document.documentElement.lang;

  /** Shows moments in the visitor's own time zone; the page says them in UTC. */
  function localTimes(root) {
    const format = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });
    for (const time of root.querySelectorAll("time[datetime]:not([title])")) {
      const at = new Date(time.dateTime);
      if (Number.isNaN(at.getTime())) continue;
      time.title = time.textContent;
      time.textContent = format.format(at);
    }
  }

  async function copy(button) {
    const text = button.closest(".code-box").querySelector("code").textContent;
    try {
      await navigator.clipboard.writeText(text);
    } catch {
      // Without TLS a browser gives no clipboard; what is selected can be copied by hand.
      const range = document.createRange();
      range.selectNodeContents(button.closest(".code-box").querySelector("code"));
      getSelection().removeAllRanges();
      getSelection().addRange(range);
      document.execCommand("copy");
    }
    const label = button.textContent;
    button.textContent = document.body.dataset.copied;
    setTimeout(() => { button.textContent = label; }, 1500);
  }

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy]");
    if (button) copy(button);
    // A click elsewhere closes an open menu.
    for (const menu of document.querySelectorAll("details.who[open], details.menu[open]")) {
      if (!menu.contains(event.target)) menu.open = false;
    }
    const opener = event.target.closest("[data-opens]");
    if (opener) document.getElementById(opener.dataset.opens)?.showModal();
    const closer = event.target.closest("[data-closes]");
    if (closer) closer.closest("dialog, details")?.[closer.closest("dialog") ? "close" : "removeAttribute"]("open");
  });

  document.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    for (const menu of document.querySelectorAll("details.who[open], details.menu[open], details.confirm[open]")) {
      menu.open = false;
      menu.querySelector("summary")?.focus();
    }
  });

  // A form that moves money is sent once; the server would take it only once in any case.
  document.addEventListener("submit", (event) => {
    if (event.defaultPrevented) return;
    const form = event.target;
    if (!form.querySelector("[data-once]")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "true";
    for (const button of form.querySelectorAll("[data-once]")) button.setAttribute("aria-disabled", "true");
  });

  // A form with a file and a few words about it: the words go into the address, the file is the whole body.
  document.addEventListener("submit", async (event) => {
    const form = event.target.closest("form[data-sends-file]");
    if (!form) return;
    event.preventDefault();
    const button = form.querySelector("button");
    const said = form.querySelector("[data-said]");
    const words = new URLSearchParams();
    const body = new FormData();
    for (const [name, value] of new FormData(form)) {
      if (value instanceof File) body.append(name, value);
      else words.append(name, value);
    }
    button.disabled = true;
    said.replaceChildren();
    try {
      const token = document.querySelector('meta[name="csrf-token"]').content;
      const headers = { "X-CSRF-Token": token, "Idempotency-Key": form.dataset.key, "HX-Request": "true" };
      const answer = await fetch(`${form.action}?${words}`, { method: "POST", headers, body });
      if (answer.status === 201) {
        const next = new URL(answer.headers.get("Location"), location.href);
        // The same address with another fragment would not be loaded anew.
        if (next.pathname + next.search === location.pathname + location.search) location.reload();
        else location.assign(next);
        return;
      }
      said.innerHTML = await answer.text();
    } catch (error) {
      said.textContent = error.message;
    }
    form.dataset.key = crypto.randomUUID?.() ?? `${Date.now()}-${Math.random()}`;
    button.disabled = false;
  });

  // Coming back by the browser's button shows the page as it was left.
  addEventListener("pageshow", () => {
    for (const form of document.querySelectorAll("form[data-sent]")) {
      delete form.dataset.sent;
      for (const button of form.querySelectorAll("[data-once]")) button.removeAttribute("aria-disabled");
    }
  });

  // A filter applies as soon as it is chosen.
  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-at-once]");
    if (form && event.target.matches("select")) form.requestSubmit();
  });

  // Fragments say themselves what went wrong, so they are shown whatever their status.
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr } = event.detail;
    if (xhr.status >= 400 && xhr.getResponseHeader("content-type")?.startsWith("text/html")) event.detail.shouldSwap = true;
  });
  document.addEventListener("htmx:afterSwap", (event) => localTimes(event.target.parentElement ?? document));

  // On a phone the parts of the administration are more than fit beside each other.
  document.querySelector(".subparts [aria-current]")?.scrollIntoView({ inline: "center", block: "nearest" });

  localTimes(document);
})();
