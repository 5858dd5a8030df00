import { sql } from "kysely";
import type { World } from "../stand-in/world.ts";
import { isOver, type User } from "./user.ts";

interface Row {
  readonly kind: string;
  readonly id: string;
  readonly value: string;
  readonly keys: string;
}

/** What must hold after every journey, wherever it was cut: each broken rule as a sentence. */
export async function findBroken(world: World, user: User, ended: readonly string[]): Promise<readonly string[]> {
  await world.host.sweep();
  // Also those whose answer the page never got.
  for (const { id } of (await sql<Row>`select id from records where kind = 'call'`.execute(world.database.sql)).rows) await user.finish(id);
  const rows = (await sql<Row>`select kind, id, value, keys from records`.execute(world.database.sql)).rows;
  return [
    ...onceAtMost(world, rows),
    ...wholeGrants(world, rows),
    ...nothingLeftOpen(rows, ended),
    ...noSecrets(world, rows),
    ...(await theNextCallRuns(user)),
  ];
}

/** I3: no call ran twice unless its tool may, and one that completed did run. */
function onceAtMost(world: World, rows: readonly Row[]): readonly string[] {
  return rowsOf(rows, "call").flatMap(({ id, value }) => {
    const runs = world.server.executions.filter((execution) => execution.idempotencyKey === id);
    const mayRepeat = world.server.tools[String(value["tool"])]?.annotations?.readOnlyHint === true;
    const phase = phaseOf(value);
    if (runs.length > 1 && !mayRepeat) return [`I3: ${id} ran ${runs.length} times`];
    if (phase === "completed" && runs.length === 0) return [`I3: ${id} completed without running`];
    if (runs.some((run) => run.headerKey !== id)) return [`I3: ${id} was sent under another key`];
    return [];
  });
}

/** A flow that was granted has left its token, and a token was left only by a flow that was granted. */
function wholeGrants(world: World, rows: readonly Row[]): readonly string[] {
  const granted = rowsOf(rows, "flow").filter(({ value }) => value["state"] === "granted");
  const grants = new Set(rowsOf(rows, "flow_grant").map(({ id }) => id));
  const flows = new Set(granted.map(({ id }) => id));
  const tokens = rowsOf(rows, "token").length;
  return [
    // A token that has run out is gone from beside its flow; the session's own stays.
    ...granted.filter(({ id }) => !grants.has(id) && world.offsetMs < 300_000).map(({ id }) => `${id} was granted without a token`),
    ...[...grants].filter((id) => !flows.has(id)).map((id) => `a token was stored for ${id}, which was not granted`),
    ...(granted.length > 0 && tokens !== 1 ? [`${tokens} tokens after ${granted.length} grants`] : []),
  ];
}

/** I4: every call is over, nothing waits to be told or driven, and each call ended in a way that the journey allows. */
function nothingLeftOpen(rows: readonly Row[], allowed: readonly string[]): readonly string[] {
  const calls = rowsOf(rows, "call");
  const open = calls.filter(({ value }) => !["completed", "failed", "refused"].includes(phaseOf(value)));
  const strange = calls.map(({ value }) => codeOf(value) ?? phaseOf(value)).filter((end) => !allowed.includes(end));
  const keys = rows.filter((row) => /"(running|undelivered)"/.test(row.keys));
  return [
    ...(calls.length === 0 ? ["I4: no call was stored"] : []),
    ...open.map(({ id, value }) => `I4: ${id} is still ${phaseOf(value)}`),
    ...strange.map((end) => `a call ended as ${end}`),
    ...keys.map((row) => `${row.kind} ${row.id} has keys ${row.keys}`),
  ];
}

/** I5: nothing that the authorization server gave out or took is readable in the database. */
function noSecrets(world: World, rows: readonly Row[]): readonly string[] {
  const { granted, tokenRequests, authorizeRequests } = world.authorizationServer;
  const secrets = [
    ...granted.keys(),
    ...tokenRequests.flatMap((form) => ["code", "code_verifier", "refresh_token"].flatMap((name) => form.get(name) ?? [])),
    ...authorizeRequests.flatMap((query) => query.get("state") ?? []),
  ];
  const text = JSON.stringify(rows);
  return secrets.filter((secret) => text.includes(secret)).map((secret) => `I5: the database shows ${secret.slice(0, 6)}…`);
}

/** Nothing that a crash left behind stands in the way of the same user's next call. */
async function theNextCallRuns(user: User): Promise<readonly string[]> {
  const tool = user.lastTool;
  if (tool === undefined) return [];
  const next = await user.finish((await user.browser.call(tool, { next: true })).id);
  return isOver(next) && ["completed", "access_denied"].includes(next.error?.code ?? next.state)
    ? []
    : [`the next call ended as ${JSON.stringify(next)}`];
}

function rowsOf(rows: readonly Row[], kind: string): readonly { readonly id: string; readonly value: Readonly<Record<string, unknown>> }[] {
  return rows.filter((row) => row.kind === kind).map(({ id, value }) => ({ id, value: asObject(JSON.parse(value)) }));
}

function stateOf(value: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  return asObject(value["state"]);
}

function codeOf(value: Readonly<Record<string, unknown>>): string | undefined {
  const { code } = stateOf(value);
  return typeof code === "string" ? code : undefined;
}

function phaseOf(value: Readonly<Record<string, unknown>>): string {
  return String(stateOf(value)["phase"]);
}

function asObject(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
