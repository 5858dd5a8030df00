import { type App, createApp } from "@countersign/kit/app";
import { answer } from "@countersign/kit/answer";
import { anonymous, either, oauth2 } from "@countersign/kit/auth";
import { z } from "zod";

const none = z.object({});

/** A view in plain HTML: three buttons that call a tool in the three ways that widgets know, and the outcome as text. */
const panel = `<!doctype html><html lang="en"><head><title>Fixture</title></head><body>
<button id="openai">openai</button> <button id="bridge">bridge</button> <button id="late">late</button> <button id="timer">timer</button>
<output id="out">idle</output>
<script>
const out = document.getElementById("out");
const show = (kind, value) => { out.textContent = JSON.stringify({ kind, value }); };
const errorOf = (error) => ({ name: error.name, code: error.code, message: error.message, retryable: error.retryable, callId: error.callId });
const call = (tool) => { out.textContent = "pending"; window.openai.callTool(tool, {}).then((result) => show("result", result.structuredContent ?? result), (error) => show("error", errorOf(error))); };
document.getElementById("openai").onclick = () => call("secret_note");
document.getElementById("late").onclick = () => call("late_note");
document.getElementById("timer").onclick = () => { out.textContent = "waiting"; setTimeout(() => call("secret_note"), 6000); };
const waiting = new Map();
let nextId = 1;
const ask = (method, params) => new Promise((resolve) => { const id = "fixture-" + nextId++; waiting.set(id, resolve); window.parent.postMessage({ jsonrpc: "2.0", id, method, params }, "*"); });
window.addEventListener("message", (event) => { if (event.source === window.parent && waiting.has(event.data.id)) { waiting.get(event.data.id)(event.data); waiting.delete(event.data.id); } });
ask("ui/initialize", { appInfo: { name: "fixture", version: "1" }, appCapabilities: {}, protocolVersion: "2026-01-26" }).then(() => {
  window.parent.postMessage({ jsonrpc: "2.0", method: "ui/notifications/initialized", params: {} }, "*");
  out.textContent = "ready";
});
document.getElementById("bridge").onclick = async () => {
  out.textContent = "pending";
  const reply = await ask("tools/call", { name: "secret_note", arguments: {} });
  if (reply.error) show("error", reply.error); else show("result", reply.result.structuredContent);
};
</script></body></html>`;

/** What a scenario sees of the fixture: how often each tool ran, and the gate before the late challenge. */
export interface FixtureProbe {
  readonly runs: Record<string, number>;
  /** Awaited by `late_note` before it challenges. */
  beforeChallenge: () => Promise<void>;
}

/** Makes the fixture app: an anonymous tool with a view, a protected one, and one whose challenge comes only after its handler has begun. */
export function fixtureApp(probe: FixtureProbe): (urls: { readonly resource: string; readonly issuer: string }) => App {
  const count = (tool: string): void => {
    probe.runs[tool] = (probe.runs[tool] ?? 0) + 1;
  };
  return ({ resource, issuer }) => {
    const app = createApp({ name: "fixture", version: "1.0.0", resource, issuer });
    app.ui("panel", { html: panel });
    app.tool(
      "open_panel",
      { title: "Open panel", description: "Shows the panel", input: none, auth: anonymous(), ui: "panel", annotations: { readOnlyHint: true } },
      () => {
        count("open_panel");
        return answer({ opened: true });
      },
    );
    app.tool(
      "secret_note",
      { title: "Secret note", description: "Needs sign-in", input: none, auth: oauth2("fixture:read"), annotations: { readOnlyHint: true } },
      (_args, ctx) => {
        count("secret_note");
        return answer({ note: "for your eyes", subject: ctx.subject ?? "" });
      },
    );
    app.tool(
      "late_note",
      { title: "Late note", description: "Asks for sign-in late", input: none, auth: either(), annotations: { readOnlyHint: true } },
      async (_args, ctx) => {
        count("late_note");
        if (ctx.scope.has("fixture:read")) return answer({ note: "late but here" });
        await probe.beforeChallenge();
        return ctx.challenge(new Set(["fixture:read"]));
      },
    );
    return app;
  };
}

/** A probe with nothing in it yet. */
export function newProbe(): FixtureProbe {
  return { runs: {}, beforeChallenge: () => Promise.resolve() };
}
