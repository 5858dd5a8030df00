import { expect, test } from "vitest";
import { browserCommand, openBrowser } from "../../src/local/open-browser.ts";

const url = "http://127.0.0.1:4110/flows/link/x?a=1&b=2";

test.each([
  ["darwin", {}, ["open", url]],
  ["win32", {}, ["rundll32", "url.dll,FileProtocolHandler", url]],
  ["linux", { DISPLAY: ":0" }, ["xdg-open", url]],
  ["linux", { WAYLAND_DISPLAY: "wayland-0" }, ["xdg-open", url]],
  ["linux", {}, undefined],
  ["linux", { BROWSER: "/usr/bin/firefox" }, ["/usr/bin/firefox", url]],
] as const)("on %s with %j an address is one argument of a program, never part of a command line", (platform, env, command) => {
  expect(browserCommand(url, platform, env)).toEqual(command);
});

test.each(["file:///etc/passwd", "javascript:alert(1)", "-h"])("%s is opened by nothing", (address) => {
  expect(openBrowser(address, "darwin", {})).toBe(false);
});
