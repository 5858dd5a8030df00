import { autoResize } from "@countersign/widget/auto-resize";
import { connect } from "@countersign/widget/connect";

const element = (id) => document.getElementById(id);
const status = element("status");
const button = element("notes");

/** What a person reads while the call waits for them. */
const waiting = { required: "Press Continue to sign in.", pending: "Waiting for your sign-in …" };

const app = await connect({ name: "my-app", version: "0.1.0" });
autoResize(app, document.documentElement);
app.onToolResult(show);
app.onAuthorization(({ state }) => {
  if (button.disabled) status.textContent = waiting[state] ?? status.textContent;
});

button.addEventListener("click", async () => {
  button.disabled = true;
  status.textContent = "Asking …";
  try {
    // Resolves after the sign-in, if one is needed: there is nothing else to do here.
    show(await app.callTool("list_notes"));
    status.textContent = "";
  } catch (error) {
    status.textContent = error.message;
  } finally {
    button.disabled = false;
  }
});

function show({ structuredContent = {} }) {
  const { tip, notes } = structuredContent;
  if (tip !== undefined) element("tip").textContent = tip;
  if (notes === undefined) return;
  element("tip").hidden = true;
  element("list").replaceChildren(...notes.map(itemOf));
}

function itemOf({ title, text }) {
  const item = document.createElement("li");
  const heading = document.createElement("strong");
  heading.textContent = title;
  item.append(heading, document.createElement("br"), text);
  return item;
}
