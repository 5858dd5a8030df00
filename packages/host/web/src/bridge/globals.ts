/** What `window.openai` knows without asking. */
export interface OpenAiGlobals {
  readonly toolInput: unknown;
  readonly toolOutput: unknown;
  readonly toolResponseMetadata: unknown;
  readonly widgetState: unknown;
  readonly theme: "light" | "dark";
  readonly displayMode: "inline" | "fullscreen" | "pip";
  readonly locale: string;
  readonly maxHeight: number;
  readonly safeArea: { readonly insets: { readonly top: number; readonly right: number; readonly bottom: number; readonly left: number } };
  readonly userAgent: {
    readonly device: { readonly type: "desktop" | "mobile" };
    readonly capabilities: { readonly hover: boolean; readonly touch: boolean };
  };
  /** `params` are those of `requestModal`, in the modal's own view. */
  readonly view: { readonly mode: "inline" | "fullscreen" | "pip" | "modal"; readonly params?: unknown };
  /** Where sign-in stands for the app: an extension, without any token. Absent where another host is acted out, which tells no such thing. */
  readonly "countersign/authorization"?: AuthorizationNow | undefined;
  /** Whether `openAuthPopup` works: the app declares where its windows may go. */
  readonly "countersign/openAuthPopup": boolean;
}

/** Where a sign-in stands, as views are told. `connection` is about the whole app, the rest about this view's own calls. */
export interface AuthorizationNow {
  readonly connection: "signed_out" | "signing_in" | "signed_in";
  readonly state: "idle" | "required" | "pending" | "granted" | "denied" | "expired";
  readonly callId?: string;
  readonly tool?: string;
  readonly expiresAt?: number;
}

/** The names of all globals, which is what a view may be told to have changed. */
export const globalNames: readonly (keyof OpenAiGlobals)[] = [
  "toolInput",
  "toolOutput",
  "toolResponseMetadata",
  "widgetState",
  "theme",
  "displayMode",
  "locale",
  "maxHeight",
  "safeArea",
  "userAgent",
  "view",
  "countersign/authorization",
  "countersign/openAuthPopup",
];

/** The attribute of the data block that carries the first globals into the frame. */
export const globalsAttribute = "data-openai-globals";

/**
 * Puts the globals into a widget's html as a data block, so that `window.openai.toolOutput` is there when the widget's first script runs. A
 * data block never runs, so no CSP has to allow it. It goes into the head: text before the doctype would switch the page to quirks mode.
 */
export function withGlobals(html: string, globals: OpenAiGlobals): string {
  const json = JSON.stringify(globals).replaceAll("<", "\\u003c").replaceAll("\u2028", "\\u2028").replaceAll("\u2029", "\\u2029");
  const block = `<script type="application/json" ${globalsAttribute}>${json}</script>`;
  const place = /<head(?:\s[^>]*)?>/i.exec(html) ?? /<html(?:\s[^>]*)?>/i.exec(html) ?? /<!doctype[^>]*>/i.exec(html);
  const at = place === null ? 0 : place.index + place[0].length;
  return html.slice(0, at) + block + html.slice(at);
}

/** The members that differ from what was told before, compared as JSON. */
export function changedGlobals(before: OpenAiGlobals, now: OpenAiGlobals): Partial<OpenAiGlobals> {
  return Object.fromEntries(
    globalNames.filter((name) => JSON.stringify(before[name]) !== JSON.stringify(now[name])).map((name) => [name, now[name] ?? null]),
  );
}
