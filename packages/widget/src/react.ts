import { useCallback, useEffect, useRef, useState, useSyncExternalStore } from "react";
import type { Authorization } from "./authorization.ts";
import type { HostContext } from "./bridge.ts";
import { type CallError, toCallError } from "./call-error.ts";
import { type App, type CallOptions, type ConnectOptions, connect } from "./connect.ts";
import type { FrameWindow } from "./frame.ts";
import type { JsonObject, ToolResult } from "./wire.ts";

/** The connection of a component tree. `failed` with `unavailable` means that the page is in no host. */
export type Connection =
  | { readonly state: "connecting"; readonly app?: undefined; readonly error?: undefined }
  | { readonly state: "connected"; readonly app: App; readonly error?: undefined }
  | { readonly state: "failed"; readonly app?: undefined; readonly error: CallError };

/** A tool in a component. A call that a newer one has overtaken changes nothing any more. */
export interface ToolUse {
  readonly state: "idle" | "running" | "done" | "failed";
  /** Of the last call that went well, kept while the next one runs. */
  readonly result: ToolResult | undefined;
  readonly error: CallError | undefined;
  /** Calls the tool; the outcome is in `state`, so nothing needs to be caught. A component that goes away does not end its call. */
  readonly run: (args?: JsonObject) => void;
}

interface Shared {
  readonly app: Promise<App>;
  users: number;
}

/** One connection a window: a frame shakes hands once, however often React mounts a component. */
const shared = new WeakMap<FrameWindow, Shared>();

const connecting: Connection = { state: "connecting" };
const idle: Authorization = { state: "idle" };
const nowhere: HostContext = { raw: {} };

/** Connects to the host. The first component decides with which options; the connection ends when the last one has gone. */
export function useApp(options: ConnectOptions = {}): Connection {
  const [connection, setConnection] = useState<Connection>(connecting);
  const first = useRef(options);
  useEffect(() => {
    let gone = false;
    const release = share(first.current, (next) => {
      if (!gone) {
        setConnection(next);
      }
    });
    return () => {
      gone = true;
      release();
    };
  }, []);
  return connection;
}

function share(options: ConnectOptions, tell: (connection: Connection) => void): () => void {
  const frame: FrameWindow = options.window ?? globalThis.window;
  const entry = shared.get(frame) ?? { app: connect(options), users: 0 };
  shared.set(frame, entry);
  entry.users += 1;
  entry.app.then(
    (app) => tell({ state: "connected", app }),
    (thrown: unknown) => tell({ state: "failed", error: toCallError(thrown) }),
  );
  return () => {
    entry.users -= 1;
    // StrictMode takes a component away and puts it back at once: only what is still unused after that is closed.
    setTimeout(() => {
      if (entry.users === 0 && shared.get(frame) === entry) {
        shared.delete(frame);
        entry.app.then(
          (app) => app.close(),
          () => undefined,
        );
      }
    }, 0);
  };
}

/** A tool of the app's own server. The options are those of the newest render. */
export function useTool(app: App | undefined, name: string, options: Omit<CallOptions, "signal"> = {}): ToolUse {
  const [use, setUse] = useState<Omit<ToolUse, "run">>({ state: "idle", result: undefined, error: undefined });
  const newest = useRef(0);
  const latest = useRef(options);
  useEffect(() => {
    latest.current = options;
  });
  const run = useCallback(
    (args: JsonObject = {}) => {
      if (app === undefined) {
        return;
      }
      newest.current += 1;
      const call = newest.current;
      setUse(({ result }) => ({ state: "running", result, error: undefined }));
      app.callTool(name, args, latest.current).then(
        (result) => {
          if (call === newest.current) {
            setUse({ state: "done", result, error: undefined });
          }
        },
        (thrown: unknown) => {
          if (call === newest.current) {
            setUse(({ result }) => ({ state: "failed", result, error: toCallError(thrown) }));
          }
        },
      );
    },
    [app, name],
  );
  return { ...use, run };
}

/** Where an authorization stands; `idle` before there is a connection. */
export function useAuthorization(app: App | undefined): Authorization {
  return useTold(app, (from, tell) => from.onAuthorization(tell), idle);
}

/** Theme, locale and the rest of what the host tells. */
export function useHostContext(app: App | undefined): HostContext {
  return useTold(app, (from, tell) => from.onHostContext(tell), nowhere);
}

/** The result that the view was opened with, and each later one that the host tells. */
export function useToolResult(app: App | undefined): ToolResult | undefined {
  return useTold<ToolResult | undefined>(app, (from, tell) => from.onToolResult(tell), undefined);
}

/** The latest value of one of the app's subscriptions. A listener hears the latest value at once, so none is lost between two subscriptions. */
function useTold<T>(app: App | undefined, listen: (app: App, tell: (value: T) => void) => () => void, before: T): T {
  const value = useRef(before);
  const how = useRef(listen);
  const subscribe = useCallback(
    (changed: () => void) =>
      app === undefined
        ? () => undefined
        : how.current(app, (next) => {
            value.current = next;
            changed();
          }),
    [app],
  );
  return useSyncExternalStore(
    subscribe,
    () => value.current,
    () => before,
  );
}
