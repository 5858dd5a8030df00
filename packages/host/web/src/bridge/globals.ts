/** What `window.openai` knows without asking. */
export interface OpenAiGlobals {
  readonly toolInput: unknown;
  readonly toolOutput: unknown;
  readonly toolResponseMetadata: unknown;
  readonly widgetState: unknown;
  readonly theme: "light" | "dark";
  readonly displayMode: "inline" | "fullscreen";
  readonly locale: string;
  readonly maxHeight: number;
  readonly safeArea: { readonly insets: { readonly top: number; readonly right: number; readonly bottom: number; readonly left: number } };
  readonly userAgent: {
    readonly device: { readonly type: "desktop" | "mobile" };
    readonly capabilities: { readonly hover: boolean; readonly touch: boolean };
  };
  readonly view: { readonly mode: "inline" };
}

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
