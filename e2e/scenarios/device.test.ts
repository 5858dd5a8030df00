import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { type Browser, keepPicture, launchBrowser } from "../browser/launch.ts";
import { findBarriers, findSidewaysScrolling } from "../browser/inspect.ts";
import { arrive, type Person } from "../browser/person.ts";
import { openedBy } from "../pages/console-page.ts";
import { DevicePage } from "../pages/device-page.ts";
import { type FixtureProbe, fixtureApp, newProbe } from "../stack/fixture-app.ts";
import { type PlainProvider, startPlainProvider } from "../stack/plain-provider.ts";
import { runStack, type TestStack } from "../stack/run-stack.ts";

const clientId = "countersign-host";

describe("sign-in on another device, at an authorization server that is not ours", () => {
  let provider: PlainProvider;
  let stack: TestStack;
  let probe: FixtureProbe;
  let person: Person;
  let other: Browser;

  beforeAll(async () => {
    probe = newProbe();
    provider = await startPlainProvider({ clientId, redirectUris: ["http://127.0.0.1/callback"], scope: "fixture:read" });
    const hostClients = { [provider.issuer]: { clientId } };
    stack = await runStack({ fixture: fixtureApp(probe), fixtureIssuer: provider.issuer, hostClients });
  });

  afterAll(async () => {
    await stack?.stop();
    await provider?.stop();
  });

  beforeEach(async () => {
    for (const tool of Object.keys(probe.runs)) delete probe.runs[tool];
    [person, other] = await Promise.all([arrive(stack.urls.console), launchBrowser()]);
    await person.console.connected("fixture");
  });

  afterEach(async () => {
    const errors = person.pageErrors;
    await Promise.all([person.leave(), other.close()]);
    expect(errors).toEqual([]);
  });

  /** Calls the protected tool from the view, and chooses the other device; gives the flow's id. */
  const chooseDevice = async (): Promise<string> => {
    await person.console.callTool("open_panel");
    await person.console.widget.getByText("ready").waitFor();
    await openedBy(person.console.page, () => person.console.widget.getByRole("button", { name: "openai", exact: true }).click());
    await person.console.useDeviceButton.click();
    await person.console.devicePane.waitFor();
    return (await person.console.signInCard.getAttribute("data-flow-id")) ?? "";
  };
  const outcome = async (): Promise<unknown> => {
    const out = person.console.widget.locator("#out");
    await out.getByText(/^\{/).waitFor();
    return JSON.parse(await out.innerText());
  };
  const device = async (): Promise<DevicePage> => new DevicePage(await other.newPage({ width: 390, height: 760 }));

  it("resolves the widget's own promise once the code was entered and approved elsewhere", async () => {
    await chooseDevice();
    const address = (await person.console.devicePane.getByTestId("device-address").innerText()).trim();
    const code = (await person.console.devicePane.getByTestId("device-code").innerText()).trim();
    expect(address).toBe(`${provider.issuer}/device`);
    expect(await person.console.widget.locator("#out").innerText()).toBe("pending");
    const page = await device();
    await page.enter(address, code);
    await page.confirm();
    await page.signInAndAllow("ada");
    expect(await outcome()).toMatchObject({ kind: "result", value: { note: "for your eyes" } });
    expect(probe.runs["secret_note"]).toBe(1);
    expect(await person.console.signInCard.count()).toBe(0);
  });

  it("holds the complete address in a QR code that is dark on light in both themes and fits a phone", async () => {
    await chooseDevice();
    const { page, devicePane } = person.console;
    await devicePane.locator("svg[role=img]").waitFor();
    for (const [scheme, size] of [
      ["light", { width: 1280, height: 860 }],
      ["dark", { width: 1280, height: 860 }],
      ["light", { width: 390, height: 844 }],
      ["dark", { width: 390, height: 844 }],
    ] as const) {
      await page.emulateMedia({ colorScheme: scheme, reducedMotion: "reduce" });
      await page.setViewportSize(size);
      await devicePane.scrollIntoViewIfNeeded();
      await keepPicture(page, `device-${scheme}-${size.width}`);
      const colours = await devicePane.getByTestId("device-qr").evaluate((element) => {
        const fill = (selector: string): string => getComputedStyle(element.querySelector(selector) ?? element).fill;
        return { ground: fill("rect"), modules: fill("path") };
      });
      expect(colours).toEqual({ ground: "rgb(255, 255, 255)", modules: "rgb(0, 0, 0)" });
      expect(await findBarriers(page.mainFrame())).toEqual([]);
      expect(await findSidewaysScrolling(page.mainFrame())).toEqual([]);
    }
    const spelled = await devicePane.getByTestId("device-code-spelled").innerText();
    expect(spelled.replaceAll(" ", "")).toBe((await devicePane.getByTestId("device-code").innerText()).trim());
    await person.console.cancelButton.click();
    expect(await outcome()).toMatchObject({ kind: "error", value: { code: "cancelled" } });
  });

  it("ends with a typed error when the user declines on the other device", async () => {
    await chooseDevice();
    const page = await device();
    await page.enter(`${provider.issuer}/device`, (await person.console.devicePane.getByTestId("device-code").innerText()).trim());
    await page.decline();
    expect(await outcome()).toMatchObject({ kind: "error", value: { code: "access_denied", retryable: true } });
    expect(probe.runs["secret_note"]).toBeUndefined();
  });

  it("goes on after a restart of every party, with the same code", async () => {
    await chooseDevice();
    const code = (await person.console.devicePane.getByTestId("device-code").innerText()).trim();
    await stack.restart();
    const page = await device();
    await page.enter(`${provider.issuer}/device`, code);
    await page.confirm();
    await page.signInAndAllow("ada");
    expect(await outcome()).toMatchObject({ kind: "result", value: { note: "for your eyes" } });
    expect(probe.runs["secret_note"]).toBe(1);
  });
});
