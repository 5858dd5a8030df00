/** How a challenge reaches the client: as the HTTP response (the specification), or inside a tool result (`mcp/www_authenticate`). */
export type ChallengeForm = "http" | "result";

/** Clients that start no sign-in on an HTTP challenge to a tools/call, by the name they give themselves. */
const resultFormNames: ReadonlySet<string> = new Set(["openai-mcp"]);
const resultFormAgent = /^openai-mcp(\/|\s|$)/;

/**
 * Chooses the form for one request. A wrong guess costs the user a prompt, never access: the decision is the same in either form.
 *
 * @param setting what the app's owner fixed, or `auto`
 */
export function chooseForm(setting: "auto" | ChallengeForm, clientNames: readonly (string | undefined)[], userAgent: string | null): ChallengeForm {
  if (setting !== "auto") return setting;
  const named = clientNames.some((name) => name !== undefined && resultFormNames.has(name));
  return named || (userAgent !== null && resultFormAgent.test(userAgent)) ? "result" : "http";
}
