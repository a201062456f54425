// From a file to a paid prediction: the browser keeps the file and sends it twice, to be checked and to be paid for.
"use strict";

(() => {
  const flow = document.getElementById("flow");
  if (!flow) return;
  const byId = (id) => document.getElementById(id);
  const [intro, checked, drop, input] = ["intro", "checked", "drop", "file"].map(byId);
  // The frame's command is for checking; what was checked comes with commands of its own.
  const command = document.querySelector("main > details.curl");
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  let file = null;
  let request = null;

  /** Sends the file, with real progress, and answers with the request once it is over; nothing where it was given up. */
  function send(url, headers, shown) {
    request?.abort();
    const xhr = new XMLHttpRequest();
    request = xhr;
    const bar = byId(`${shown}-bar`);
    const what = byId(`${shown}-what`);
    const then = shown === "sending" ? flow.dataset.checking : flow.dataset.starting;
    what.textContent = flow.dataset.sending;
    bar.value = 0;
    byId(shown).hidden = false;
    xhr.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    });
    xhr.upload.addEventListener("load", () => {
      what.textContent = then;
      bar.removeAttribute("value");
    });
    return new Promise((resolve) => {
      xhr.addEventListener("loadend", () => {
        if (request !== xhr) return resolve(null);
        request = null;
        byId(shown).hidden = true;
        const login = xhr.getResponseHeader("HX-Redirect");
        if (login) location.assign(login);
        resolve(login ? null : xhr);
      });
      xhr.open("POST", url);
      for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
      const form = new FormData();
      form.append("file", file, file.name);
      xhr.send(form);
    });
  }

  const commonHeaders = () => ({ "X-CSRF-Token": csrf, "HX-Request": "true", Accept: "text/html" });

  function isHtml(xhr) {
    return xhr.status > 0 && (xhr.getResponseHeader("Content-Type") ?? "").startsWith("text/html");
  }

  /** Shows a fragment of the server's, or says that there is none. */
  function show(place, xhr) {
    if (isHtml(xhr)) {
      place.innerHTML = xhr.responseText;
      return;
    }
    const note = document.createElement("p");
    note.className = "note bad";
    note.textContent = flow.dataset.unreachable;
    place.replaceChildren(note);
  }

  async function check(chosen) {
    file = chosen;
    byId("drop-error").replaceChildren();
    byId("sending-name").textContent = file.name;
    drop.classList.add("busy");
    const xhr = await send("/predict/check", commonHeaders(), "sending");
    drop.classList.remove("busy");
    if (!xhr) return;
    if (xhr.status !== 200) {
      show(byId("drop-error"), xhr);
      input.value = "";
      return;
    }
    show(checked, xhr);
    turn(true);
    scrollTo(0, 0);
    byId("checked-title")?.focus();
    offer();
  }

  function turn(isChecked) {
    intro.hidden = isChecked;
    if (command) command.hidden = isChecked;
  }

  /** Back to where a file is chosen. */
  function again() {
    request?.abort();
    request = null;
    file = null;
    input.value = "";
    checked.replaceChildren();
    turn(false);
    input.focus();
  }

  /** Shows the price of the chosen model, and whether it can be paid. */
  function offer() {
    const chosen = checked.querySelector('input[name="service"]:checked');
    const leaveOut = byId("leave-out");
    for (const pay of checked.querySelectorAll(".pay")) {
      pay.hidden = pay.dataset.service !== chosen?.value;
      const isUnmended = byId("cut-short") !== null || (pay.dataset.leavesOut === "true" && leaveOut && !leaveOut.checked);
      const button = pay.querySelector("[data-pay]");
      const explain = pay.querySelector("[data-explain]");
      if (explain) button.textContent = explain.checked ? explain.dataset.payBoth : explain.dataset.payPlain;
      if (!button.hasAttribute("aria-describedby")) button.disabled = isUnmended;
      pay.querySelector("[data-leave-out-needed]").hidden = !isUnmended;
    }
  }

  async function pay(button) {
    const place = button.closest(".pay");
    const { service, key } = place.dataset;
    const onError = place.dataset.leavesOut === "true" ? "skip" : "fail";
    if (!file || request) return;
    button.disabled = true;
    byId("pay-error").replaceChildren();
    const query = new URLSearchParams({ service_id: service, on_error: onError });
    if (byId("tiers")?.checked) query.set("tiers", "true");
    const keep = byId("keep-key")?.value;
    if (keep) query.set("key", keep);
    const explains = place.querySelector("[data-explain]")?.checked === true;
    if (explains) query.set("explain", "3");
    // The key is the check's and the model's: whoever pays twice for the same gets the same prediction.
    const headers = { ...commonHeaders(), "Idempotency-Key": `${key}.${service}${explains ? ".reasons" : ""}` };
    const xhr = await send(`/predict/pay?${query}`, headers, "paying");
    const prediction = xhr?.status === 201 ? xhr.getResponseHeader("Location") : null;
    if (prediction) {
      location.assign(prediction);
      return;
    }
    button.disabled = false;
    if (xhr) show(byId("pay-error"), xhr);
  }

  async function sample() {
    const button = byId("sample");
    button.disabled = true;
    try {
      const response = await fetch(flow.dataset.sample);
      if (response.redirected || !response.ok) {
        location.reload();
        return;
      }
      await check(new File([await response.blob()], "sample-customers.csv", { type: "text/csv" }));
    } catch {
      show(byId("drop-error"), { status: 0 });
    } finally {
      button.disabled = false;
    }
  }

  input.addEventListener("change", () => { if (input.files[0]) check(input.files[0]); });
  byId("sample").addEventListener("click", sample);
  checked.addEventListener("change", offer);
  checked.addEventListener("click", (event) => {
    if (event.target.closest("[data-again]")) again();
    const button = event.target.closest("[data-pay]");
    if (button) pay(button);
  });

  // The whole window takes a file, so that one that misses the place is not opened instead.
  const holdsFile = (event) => event.dataTransfer?.types.includes("Files");
  addEventListener("dragover", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    drop.classList.add("over");
  });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) drop.classList.remove("over"); });
  addEventListener("drop", (event) => {
    if (!holdsFile(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    const dropped = event.dataTransfer.files[0];
    if (!dropped) return;
    if (intro.hidden) again();
    check(dropped);
  });

  // Coming back by the browser's button finds the page as it was left, and its button alive.
  addEventListener("pageshow", (event) => { if (event.persisted) offer(); });
})();
