import { createServer } from "node:http";
import { launchBrowser } from "../browser/launch.ts";
import { Authenticator } from "../browser/passkeys.ts";
import { WalletPage } from "../pages/wallet-page.ts";
import { runStack } from "../stack/run-stack.ts";
import type { Outcome } from "./outcome.ts";
import { runSuite } from "./suite.ts";

const clientId = "conformance-suite";

/** The revisions by which the wallet is judged. The suite plays a public client wherever those are taken, even when it is given a secret. */
const revisions: readonly string[] = ["2026-07-28", "2025-11-25"];

/**
 * Runs the authorization server scenarios against the wallet; a browser with a passkey is the user that the suite asks for. A warning of the suite counts as a
 * failure.
 */
export async function runAuthorization(say: (line: string) => void): Promise<readonly Outcome[]> {
  const port = await freePort();
  const stack = await runStack({
    walletClients: [
      {
        client_id: clientId,
        client_name: "Conformance suite",
        application_type: "native",
        token_endpoint_auth_method: "none",
        grant_types: ["authorization_code", "refresh_token"],
        redirect_uris: [`http://127.0.0.1:${port}/callback`],
      },
    ],
  });
  const browser = await launchBrowser();
  const visits: Promise<void>[] = [];
  const visit = async (url: string): Promise<void> => {
    // Each visit is a new person's: nobody is signed in yet.
    await browser.context.clearCookies();
    const page = await browser.newPage();
    await new Authenticator().plugInto(page);
    await page.goto(url);
    await new WalletPage(page).signUpAndAllow();
  };
  try {
    const outcomes: Outcome[] = [];
    for (const revision of revisions) {
      const target = ["--url", stack.urls.wallet, "--port", String(port), "--resource", `${stack.urls.store}/mcp`];
      const seen = new Set<string>();
      const run = await runSuite(["authorization", ...target, "--client-id", clientId, "--spec-version", revision], (text) => {
        const url = /(http:\/\/localhost:\d+\/authorize\?\S+)/.exec(text)?.[1];
        if (url === undefined || seen.has(url)) return;
        seen.add(url);
        visits.push(visit(url));
      });
      await Promise.allSettled(visits);
      const passed = run.exitCode === 0 && !/warning/i.test(run.output);
      outcomes.push({ name: `authorization (${revision})`, passed, output: run.output });
      say(run.output);
    }
    return outcomes;
  } finally {
    await browser.close();
    await stack.stop();
  }
}

/** The suite opens its own callback server, so the port is chosen first and let go. */
function freePort(): Promise<number> {
  const server = createServer();
  return new Promise((resolve) => {
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      const port = typeof address === "object" && address ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
