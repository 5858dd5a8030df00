import { spawn } from "node:child_process";

/** The program of this platform that opens an address in the user's browser, with its arguments; undefined where there is none to be expected. */
export function browserCommand(
  url: string,
  platform: NodeJS.Platform,
  env: Readonly<Record<string, string | undefined>>,
): readonly [string, ...string[]] | undefined {
  const own = env["BROWSER"];
  if (own !== undefined && own !== "") return [own, url];
  if (platform === "darwin") return ["open", url];
  // Not `start`, which is the shell's own and would read the address as a command line.
  if (platform === "win32") return ["rundll32", "url.dll,FileProtocolHandler", url];
  return env["DISPLAY"] === undefined && env["WAYLAND_DISPLAY"] === undefined ? undefined : ["xdg-open", url];
}

/** Opens an http(s) address in the user's browser, if it can; false when there is no browser to be expected. Whether it opened, nobody says. */
export function openBrowser(url: string, platform: NodeJS.Platform, env: Readonly<Record<string, string | undefined>>): boolean {
  const command = /^https?:\/\//.test(url) ? browserCommand(url, platform, env) : undefined;
  if (command === undefined) return false;
  const [program, ...args] = command;
  const child = spawn(program, args, { stdio: "ignore", detached: true });
  child.on("error", () => undefined);
  child.unref();
  return true;
}
