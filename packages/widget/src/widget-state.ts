import { findOpenai, type FrameWindow } from "./frame.ts";
import { isObject } from "./wire.ts";

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

/** Opens the widget's state. */
export function openWidgetState(frame: FrameWindow): WidgetState {
  const stored: unknown = findOpenai(frame)?.["widgetState"];
  let privateContent: unknown = isObject(stored) ? stored["privateContent"] : undefined;
  let modelContent: unknown = isObject(stored) ? (stored["modelContent"] ?? null) : null;
  const save = (): void => {
    const openai = findOpenai(frame);
    const setWidgetState = openai?.["setWidgetState"];
    if (typeof setWidgetState === "function") {
      Reflect.apply(setWidgetState, openai, [{ modelContent, privateContent: privateContent ?? null, imageIds: [] }]);
    }
  };
  return {
    get durable() {
      return typeof findOpenai(frame)?.["setWidgetState"] === "function";
    },
    get: () => privateContent ?? undefined,
    set(value) {
      privateContent = value;
      save();
    },
    setModelContent(value) {
      modelContent = value;
      save();
    },
  };
}
