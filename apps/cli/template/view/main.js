import { autoResize } from "@countersign/widget/auto-resize";
import { connect } from "@countersign/widget/connect";
import { mountPanel } from "@countersign/widget/panel";

const element = (id) => document.getElementById(id);
const status = element("status");
const button = element("notes");

const app = await connect({ name: "my-app", version: "0.1.0" });
autoResize(app, document.documentElement);
// Says where a sign-in stands, and shows the link for one where the host opens none.
mountPanel(app, element("sign-in"));
app.onToolResult(show);

button.addEventListener("click", async () => {
  button.disabled = true;
  status.textContent = "";
  try {
    // Resolves after the sign-in, if one is needed: there is nothing else to do here.
    show(await app.callTool("list_notes", {}, { idempotent: true }));
  } catch (error) {
    status.textContent = error.message;
  } finally {
    button.disabled = false;
  }
});
button.disabled = false;

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
