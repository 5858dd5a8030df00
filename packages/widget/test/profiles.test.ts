import { profileNames } from "@countersign/protocol/host-profile";
import { hostViews } from "@countersign/protocol/host-profile-view";
import { hostSignIns } from "@countersign/protocol/host-profile-sign-in";
import type { HostProfile } from "@countersign/protocol/ladder";
import { judgeReach } from "@countersign/protocol/profile-reach";
import { hostNameOf } from "@countersign/protocol/profile-view";
import { describe, expect, test } from "vitest";
import { type Answer, connectApps, type StandInHost } from "./stand-in-host.ts";

const orders: Answer = { content: [], structuredContent: { orders: [] } };
const noMethod: Answer = { fail: { code: -32601, message: "Method not found" } };
const emptied: Answer = { fail: { code: -32000, message: "HTTP 400: {}", data: {} } };
const challenge: Answer = { isError: true, content: [], _meta: { "mcp/www_authenticate": ['Bearer error="invalid_token"'] } };
const offer: Answer = {
  content: [],
  structuredContent: { status: "pending" },
  _meta: {
    "countersign/link": { handle: `lnk_${"h".repeat(43)}`, link: "https://wallet.example/d", code: "BCDF-GHJK", expiresAt: Date.now() + 60_000 },
  },
};
const linked: Answer = { content: [], structuredContent: { status: "linked" } };

/** What comes of a view's call that needs a sign-in, by the library, in a host that does what the tables say. */
async function reachIn(profile: HostProfile, offersLinks: boolean): Promise<string> {
  const { opensOn, viewWithout } = hostSignIns[profile];
  const capabilities = Object.fromEntries(hostViews[profile].capabilities.value.map((name) => [name, {}]));
  const serves = "serverTools" in capabilities;
  const protectedAnswer = opensOn.view.value.includes("http_401") ? orders : viewWithout.value === "empty" ? emptied : challenge;
  const links = { link_account: () => offer, await_link: () => linked, call_linked: () => orders };
  const tools = { list_orders: () => protectedAnswer, ...(offersLinks ? links : {}) };
  const refusing = Object.fromEntries(Object.keys({ ...links, list_orders: 0 }).map((name) => [name, () => noMethod]));
  const host = await connectApps({ tools: serves ? tools : refusing, name: hostNameOf(profile), capabilities });
  const end = await host.app.callTool("list_orders").then(
    () => "answered",
    (error: unknown) => String(Reflect.get(Object(error), "code")),
  );
  return wayOf(host, end);
}

function wayOf(host: StandInHost, end: string): string {
  if (end === "asked_model") return host.messages.length === 1 ? "model" : "nothing was said";
  if (end !== "answered") return host.messages.length === 0 ? "dead" : "asked in vain";
  return host.calls.some(({ tool }) => tool === "call_linked") ? "link" : "host_resumes";
}

describe.each(profileNames)("a view's call that needs a sign-in, in %s", (profile) => {
  test.each([
    ["with account links", true],
    ["without them", false],
  ])("M26 goes the way that the tables say, %s", async (_, offersLinks) => {
    const told = judgeReach(profile, { mode: "mixed", by: "view", forms: ["http_401", "result"], declares: true, describes: true, offersLinks });
    expect(await reachIn(profile, offersLinks)).toBe(told.way ?? "dead");
  });
});
