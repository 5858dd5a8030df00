import { mkdirSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { type BrowserContext, chromium, type Page } from "playwright-core";
import { findChromium } from "./find-chromium.ts";

/**
 * Near-stock flags: the defaults of the driver switch off popup blocking and storage partitioning, which are
 * among the things under test. Only what a machine without display, sandbox helper or network needs is added.
 */
const flags = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
  "--disable-field-trial-config",
  "--disable-back-forward-cache",
  "--disable-hang-monitor",
  "--allow-pre-commit-input",
  "--remote-debugging-pipe",
  "--window-size=1280,860",
];

/**
 * Features of the browser with which its driver sometimes waits forever: for the closing of a page that is just leading elsewhere, and for a first picture.
 * The driver's own defaults switch them off too.
 */
const driverRaces = ["AvoidUnnecessaryBeforeUnloadCheckSync", "PaintHolding"];

/** One Chromium with its own profile folder. */
export interface Browser {
  readonly context: BrowserContext;
  /** Opens a page with this viewport, in pixels. */
  newPage(size?: { readonly width: number; readonly height: number }): Promise<Page>;
  close(): Promise<void>;
}

/** `without`: features of Chromium that are switched off, to stand for a browser that does not have them. */
export interface BrowserOptions {
  readonly without?: readonly string[];
}

/** Starts a Chromium with an empty profile, as a new user has it. */
export async function launchBrowser({ without = [] }: BrowserOptions = {}): Promise<Browser> {
  const profile = mkdtempSync(join(tmpdir(), "countersign-profile-"));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: await findChromium(),
    ignoreDefaultArgs: true,
    args: [...flags, `--disable-features=${[...driverRaces, ...without].join(",")}`, `--user-data-dir=${profile}`, "about:blank"],
    viewport: { width: 1280, height: 860 },
  });
  return {
    context,
    newPage: async (size) => {
      const page = await context.newPage();
      if (size) await page.setViewportSize(size);
      return page;
    },
    close: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

const artifacts = join(dirname(import.meta.dirname), "artifacts");

/** Keeps a picture of the page under `e2e/artifacts/<name>.png`. */
export async function keepPicture(page: Page, name: string): Promise<void> {
  const path = join(artifacts, `${name}.png`);
  mkdirSync(dirname(path), { recursive: true });
  await page.screenshot({ path, animations: "disabled" });
}
