import type { JsonObject } from "@countersign/protocol/shape";

/** The four permissions that MCP Apps knows, in the words of Permissions Policy. */
const features: readonly (readonly [permission: string, feature: string])[] = [
  ["camera", "camera"],
  ["microphone", "microphone"],
  ["geolocation", "geolocation"],
  ["clipboardWrite", "clipboard-write"],
];

/** The `allow` attribute of a view's frame: only those four, and only what the host granted. Passkeys and payment are never among them (V23). */
export function allowOf(granted: JsonObject | undefined): string {
  return features.flatMap(([permission, feature]) => (granted?.[permission] === undefined ? [] : [feature])).join("; ");
}
