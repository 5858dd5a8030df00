// The wallet's only script. It runs passkey ceremonies, and submits plain forms without the browser's own redirect handling, which would hold every
// later redirect of the client's site to this page's form-action policy. Forms without data-ceremony work without it too.

/** A press so soon after the page appears was meant for something that was there before. */
const armAfterMs = 500;

const status = document.querySelector("[data-status]");
const shownAt = performance.now();
let busy = false;

function say(kind, sentence) {
  if (status === null) return;
  status.hidden = false;
  status.className = kind === "bad" ? "notice notice-bad" : "notice";
  status.textContent = sentence;
}

/** Only ceremonies wait for each other: the way back stays open while the browser asks for a passkey. */
function setBusy(value) {
  busy = value;
  for (const button of document.querySelectorAll("[data-ceremony] button")) button.setAttribute("aria-disabled", String(value));
}

/** The answer's JSON, or an error whose message may be shown. */
async function post(url, body) {
  let response;
  try {
    response = await fetch(url, {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
    });
  } catch {
    throw new Error(status?.dataset.offline ?? "");
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Error(answer.error_description ?? "", { cause: answer.code });
  return answer;
}

async function askAuthenticator(kind, options) {
  const credential =
    kind === "create"
      ? await navigator.credentials.create({ publicKey: PublicKeyCredential.parseCreationOptionsFromJSON(options) })
      : await navigator.credentials.get({ publicKey: PublicKeyCredential.parseRequestOptionsFromJSON(options) });
  return credential.toJSON();
}

function sentenceFor(error) {
  if (error instanceof DOMException) return error.name === "InvalidStateError" ? status?.dataset.exists : status?.dataset.cancelled;
  return error.message;
}

async function runCeremony(form) {
  const fields = Object.fromEntries(new FormData(form));
  const { options } = await post(form.dataset.options, fields);
  say("plain", status?.dataset.waiting ?? "");
  const credential = await askAuthenticator(form.dataset.ceremony, options);
  const { next } = await post(form.action, { form_token: fields.form_token, credential });
  location.assign(next);
}

async function runForm(form) {
  const { next } = await post(form.action, Object.fromEntries(new FormData(form)));
  location.assign(next);
}

/** The page comes with the buttons of its ceremonies disabled: a press before this script is there would send the form without a passkey. */
function enable(form) {
  for (const button of form.querySelectorAll("button")) button.disabled = false;
}

/** Refusals after which nothing on the page can be approved any more. */
const over = new Set(["cancelled", "payment_request_expired", "payment_denied", "conflict"]);

function attendCeremony(form) {
  if ("armed" in form.dataset) setTimeout(enable, armAfterMs - (performance.now() - shownAt), form);
  else enable(form);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    if (busy || ("armed" in form.dataset && performance.now() - shownAt < armAfterMs)) return;
    setBusy(true);
    runCeremony(form).catch((error) => {
      // The page itself says what became of its payment, and offers nothing that can no longer be.
      if (over.has(error.cause)) return location.reload();
      setBusy(false);
      say("bad", sentenceFor(error) || status.dataset.offline);
    });
  });
}

function attendForm(form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    runForm(form).catch((error) => {
      if (status === null) location.reload();
      else say("bad", error.message || status.dataset.offline);
    });
  });
}

// Where the days of a new account begin.
for (const input of document.querySelectorAll("input[data-time-zone]")) input.value = new Intl.DateTimeFormat().resolvedOptions().timeZone ?? "";

const supportsPasskeys = typeof globalThis.PublicKeyCredential?.parseCreationOptionsFromJSON === "function";
for (const form of document.querySelectorAll("form[data-form]")) attendForm(form);
for (const form of document.querySelectorAll("form[data-ceremony]")) {
  if (supportsPasskeys) attendCeremony(form);
  else say("bad", status?.dataset.unsupported ?? "");
}

const pauseMs = 500;
const pauseAfterFailureMs = 5_000;

/** Follows what happens on another device: the server holds each answer until there is something new. */
async function follow(element) {
  for (;;) {
    const state = await fetch(element.dataset.follow, { headers: { accept: "application/json" }, credentials: "same-origin", cache: "no-store" })
      .then((response) => (response.ok ? response.json() : {}))
      .then((answer) => answer.state)
      .catch(() => undefined);
    if (state !== undefined && state !== element.dataset.state) {
      location.assign(element.dataset.next);
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, state === undefined ? pauseAfterFailureMs : pauseMs));
  }
}

for (const element of document.querySelectorAll("[data-follow]")) void follow(element);

// A page that comes back from the browser's history shows what was true then.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.reload();
});
