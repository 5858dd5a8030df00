import { describe, expect, it } from "vitest";
import { openSignInWindow } from "../src/sign-in-window.ts";

interface Opened {
  readonly url: string;
  readonly name: string;
  readonly features: string;
}

function aView(gives: { opener: unknown; location: { replace(url: string): void }; close(): void } | null): {
  readonly view: Parameters<typeof openSignInWindow>[0];
  readonly opened: Opened[];
} {
  const opened: Opened[] = [];
  const open = (url: string, name: string, features: string): typeof gives => {
    opened.push({ url, name, features });
    return gives;
  };
  return { view: { screenX: 10, screenY: 10, outerWidth: 1000, outerHeight: 900, open }, opened };
}

describe("openSignInWindow", () => {
  it("opens the inert waiting page in a small window", () => {
    const { view, opened } = aView({ opener: {}, location: { replace: () => {} }, close: () => {} });
    expect(openSignInWindow(view)).toBeDefined();
    expect(opened[0]).toMatchObject({ url: "/flows/wait", features: "popup,width=480,height=720,left=270,top=70" });
  });

  it("V09 names each window at random", () => {
    const { view, opened } = aView({ opener: {}, location: { replace: () => {} }, close: () => {} });
    openSignInWindow(view);
    openSignInWindow(view);
    expect(opened[0]?.name).toMatch(/^cs-[0-9a-f-]{36}$/);
    expect(opened[0]?.name).not.toBe(opened[1]?.name);
  });

  it("V10 takes the opener away from the window before it goes anywhere", () => {
    const gone: string[] = [];
    const window = {
      opener: {} as unknown,
      location: { replace: (url: string) => void gone.push(`${url} ${String(window.opener)}`) },
      close: () => {},
    };
    openSignInWindow(aView(window).view)?.navigate("http://127.0.0.1/flows/f/start");
    expect(gone).toEqual(["http://127.0.0.1/flows/f/start null"]);
  });

  it("gives nothing when the browser gives no window", () => {
    expect(openSignInWindow(aView(null).view)).toBeUndefined();
  });
});
