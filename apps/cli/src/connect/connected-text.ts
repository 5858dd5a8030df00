import type { ConnectorView, ToolView } from "@countersign/host/routes/schemas/connectors";
import { oneLine } from "../terminal-text.ts";
import type { Connected } from "./connect.ts";

const statusWords: Readonly<Record<ConnectorView["status"], string>> = {
  connecting: "not connected yet",
  connected: "connected",
  sign_in_required: "needs sign-in",
  failed: "cannot be reached",
};

/** What `countersign connect` prints for a person. Texts are the servers' own, made harmless. */
export function connectedText(connected: Connected): string {
  switch (connected.did) {
    case "listed":
      return connected.servers.length === 0
        ? "No server is connected.\n"
        : connected.servers.map((server) => `${serverLines(server).join("\n")}\n`).join("");
    case "connected":
      return `${[...serverLines(connected.server), ...toolLines(connected.tools)].join("\n")}\n`;
    case "signed_out":
      return `Signed out of ${nameOf(connected.server)}.\n`;
    case "removed":
      return `${nameOf(connected.server)} is removed.\n`;
  }
}

function nameOf({ name }: ConnectorView): string {
  return oneLine(name, 120);
}

function serverLines(server: ConnectorView): readonly string[] {
  const { id, url, status, protocol, mode, token, error } = server;
  const how = [
    statusWords[status],
    ...(protocol === undefined ? [] : [`MCP ${oneLine(protocol, 40)}`]),
    mode === "full" ? "a token in every request" : "sign-in where a tool needs it",
  ];
  return [
    `${nameOf(server)}  (${id})`,
    `  ${oneLine(url)}`,
    `  ${how.join(", ")}`,
    ...(token === undefined
      ? []
      : [
          `  signed in at ${oneLine(token.issuer)}${token.scope.length === 0 ? "" : ` for ${token.scope.map((scope) => oneLine(scope, 100)).join(", ")}`}`,
        ]),
    ...(error === undefined ? [] : [`  ${error.message}`]),
  ];
}

function toolLines(tools: readonly ToolView[]): readonly string[] {
  if (tools.length === 0) return ["  no tools"];
  const width = Math.min(40, Math.max(...tools.map(({ name }) => name.length)));
  return [
    "  tools",
    ...tools.map((tool) => `    ${oneLine(tool.name, 128).padEnd(width)}  ${accessOf(tool).padEnd(24)}  ${oneLine(tool.title, 120)}${markOf(tool)}`),
  ];
}

function accessOf({ security }: ToolView): string {
  if (security === null) return "says nothing of sign-in";
  const scopes = security.flatMap((scheme) => (scheme.type === "oauth2" ? [scheme.scopes.map((scope) => oneLine(scope, 100)).join(" ")] : []));
  if (scopes.length === 0) return "no sign-in";
  const open = security.some(({ type }) => type === "noauth");
  return `${open ? "sign-in optional" : "sign-in"}${scopes[0] === "" ? "" : `: ${scopes[0] ?? ""}`}`;
}

function markOf({ visibility, changed }: ToolView): string {
  const marks = [...(visibility.includes("model") ? [] : ["for views only"]), ...(changed === undefined ? [] : ["changed since it was used first"])];
  return marks.length === 0 ? "" : `  [${marks.join("; ")}]`;
}
