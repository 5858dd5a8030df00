import { createHash } from "node:crypto";
import type { McpUiResourceMeta } from "@modelcontextprotocol/ext-apps";

/** A view of the app. `csp` names the origins that it may reach (MCP Apps 2026-01-26): nothing by default. */
export interface UiDefinition extends McpUiResourceMeta {
  readonly html: string;
  readonly title?: string;
  readonly description?: string;
}

/** A view ready to serve. */
export interface View {
  readonly uri: string;
  readonly name: string;
  readonly title: string;
  readonly description: string | undefined;
  readonly html: string;
  readonly meta: McpUiResourceMeta;
}

/**
 * Prepares a view. Its URI carries a hash of the document and of what it may do, because hosts cache by URI and users approve what they saw:
 * another content is another view.
 */
export function prepareView(app: string, name: string, definition: UiDefinition): View {
  const { html, title, description, ...declared } = definition;
  const meta = { csp: {}, ...declared };
  const hash = createHash("sha256").update(JSON.stringify(meta)).update("\n").update(html).digest("hex").slice(0, 16);
  return { uri: `ui://${app}/${name}-${hash}.html`, name, title: title ?? name, description, html, meta };
}
