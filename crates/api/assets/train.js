// From labelled customers to a paid training: the settings go into the query, the file into the body.
"use strict";

(() => {
  const form = document.getElementById("train");
  if (!form) return;
  const byId = (id) => document.getElementById(id);
  const csrf = document.querySelector('meta[name="csrf-token"]').content;
  const button = form.querySelector("button.btn:not([type])");
  let taken = null;
  let attempt = 0;

  function say(text) {
    const note = document.createElement("p");
    note.className = "note bad";
    note.textContent = text;
    byId("train-error").replaceChildren(note);
  }

  function query() {
    const [service, algorithm] = form.querySelector('input[name="choice"]:checked').value.split(" ");
    const asked = new URLSearchParams({ training_service_id: service, algorithm });
    for (const name of ["model", "target", "folds"]) {
      const value = byId(name).value.trim();
      if (value) asked.append(name, value);
    }
    for (const list of ["drop", "lever"])
      for (const column of byId(list).value.split(",")) if (column.trim()) asked.append(list, column.trim());
    for (const line of byId("set").value.split("\n")) if (line.trim()) asked.append("set", line.trim());
    return asked;
  }

  function ended(xhr) {
    byId("sending").hidden = true;
    const login = xhr.getResponseHeader("HX-Redirect");
    const training = xhr.status === 201 ? xhr.getResponseHeader("Location") : null;
    if (login || training) {
      location.assign(login || training);
      return;
    }
    button.disabled = false;
    // What was refused has paid nothing: changed settings are another request.
    attempt += 1;
    if (xhr.status > 0 && (xhr.getResponseHeader("Content-Type") ?? "").startsWith("text/html")) {
      byId("train-error").innerHTML = xhr.responseText;
    } else {
      say(form.dataset.unreachable);
    }
  }

  function send(file) {
    button.disabled = true;
    byId("train-error").replaceChildren();
    const bar = byId("sending-bar");
    bar.value = 0;
    byId("sending").hidden = false;
    const xhr = new XMLHttpRequest();
    xhr.upload.addEventListener("progress", (event) => {
      if (event.lengthComputable) bar.value = event.loaded / event.total;
    });
    xhr.addEventListener("loadend", () => ended(xhr));
    xhr.open("POST", `/train?${query()}`);
    const headers = { "X-CSRF-Token": csrf, "HX-Request": "true", Accept: "text/html" };
    for (const [name, value] of Object.entries(headers)) xhr.setRequestHeader(name, value);
    xhr.setRequestHeader("Idempotency-Key", `${form.dataset.key}.${attempt}`);
    const body = new FormData();
    body.append("file", file, file.name);
    xhr.send(body);
  }

  async function sample() {
    try {
      const response = await fetch("/labelled-customers.csv");
      if (response.redirected || !response.ok) {
        location.reload();
        return;
      }
      taken = new File([await response.blob()], "labelled-customers.csv", { type: "text/csv" });
      byId("file").value = "";
      byId("chosen").textContent = taken.name;
    } catch {
      say(form.dataset.unreachable);
    }
  }

  byId("sample").addEventListener("click", sample);
  byId("file").addEventListener("change", () => {
    taken = null;
    byId("chosen").textContent = "";
  });
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const file = byId("file").files[0] ?? taken;
    if (file) send(file);
    else say(form.dataset.chooseFirst);
  });
  addEventListener("pageshow", (event) => { if (event.persisted) button.disabled = false; });
})();
