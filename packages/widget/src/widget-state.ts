import { findOpenai, type FrameWindow } from "./frame.ts";
import { isObject, type JsonObject } from "./wire.ts";

/**
 * What the widget wants back after a reload. Hosts with `window.openai.setWidgetState` keep it per message; elsewhere it lives as long as the
 * frame and `durable` is false. The app's own part is private to it; `setModelContent` fills the part that the model may read.
 */
export interface WidgetState {
  readonly durable: boolean;
  get(): unknown;
  set(value: unknown): void;
  setModelContent(value: unknown): void;
}

/** The same with the library's own part: what calls still wait for. It lies in the private part too, so the model never reads it. */
export interface HeldState extends WidgetState {
  held(): unknown;
  hold(value: JsonObject | undefined): void;
}

/** Where the library's part lies among the members of the private part, and the app's when it is no object. */
const heldKey = "countersign/held";
const valueKey = "countersign/value";

/** Opens the widget's state. */
export function openWidgetState(frame: FrameWindow): HeldState {
  const stored: unknown = findOpenai(frame)?.["widgetState"];
  let [value, held] = split(isObject(stored) ? stored["privateContent"] : undefined);
  let modelContent: unknown = isObject(stored) ? (stored["modelContent"] ?? null) : null;
  const save = (): void => {
    const openai = findOpenai(frame);
    const setWidgetState = openai?.["setWidgetState"];
    if (typeof setWidgetState === "function") {
      // What a host does not keep is lost with the frame; a call that has run must not fail for it.
      new Promise((resolve) =>
        resolve(Reflect.apply(setWidgetState, openai, [{ modelContent, privateContent: join(value, held), imageIds: [] }])),
      ).catch(() => undefined);
    }
  };
  return {
    get durable() {
      return typeof findOpenai(frame)?.["setWidgetState"] === "function";
    },
    get: () => value ?? undefined,
    set(next) {
      value = next;
      save();
    },
    setModelContent(content) {
      modelContent = content;
      save();
    },
    held: () => held,
    hold(next) {
      held = next;
      save();
    },
  };
}

function split(stored: unknown): [value: unknown, held: unknown] {
  if (!isObject(stored) || !Object.hasOwn(stored, heldKey)) {
    return [stored, undefined];
  }
  const { [heldKey]: held, ...own } = stored;
  return [Object.hasOwn(own, valueKey) ? own[valueKey] : Object.keys(own).length === 0 ? undefined : own, held];
}

function join(value: unknown, held: unknown): unknown {
  if (held === undefined) {
    return value ?? null;
  }
  return { ...(isObject(value) ? value : value === undefined ? {} : { [valueKey]: value }), [heldKey]: held };
}
