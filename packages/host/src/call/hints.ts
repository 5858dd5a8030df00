import type { ResourceUri } from "@countersign/protocol/brand";
import { boundedText, type JsonObject } from "@countersign/protocol/shape";
import { z } from "zod";
import { digestText } from "../digest.ts";

/**
 * What a server is told about the circumstances of a call, as real hosts tell it. Hints only: nothing is ever allowed because of them. `conversation` and
 * `widgetSession` are ids of this host, sent only as digests that differ from server to server.
 */
export interface CallHints {
  readonly locale?: string | undefined;
  readonly userAgent?: string | undefined;
  readonly conversation?: string | undefined;
  readonly widgetSession?: string | undefined;
}

export const hintsSchema: z.ZodType<CallHints> = z.object({
  locale: z.string().optional(),
  userAgent: z.string().optional(),
  conversation: z.string().optional(),
  widgetSession: z.string().optional(),
});

/** What a request of a page tells by itself. */
export function readHints(request: Request): CallHints {
  const [language = ""] = (request.headers.get("accept-language") ?? "").split(/[,;]/, 1);
  const locale = /^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/.test(language.trim()) ? language.trim() : undefined;
  const userAgent = boundedText(request.headers.get("user-agent"), 300);
  return { ...(locale === undefined ? {} : { locale }), ...(userAgent === undefined ? {} : { userAgent }) };
}

/** The `_meta` members of a call to this server. `openai/subject` is the same for all calls of one user at one server, and means nothing elsewhere. */
export function toHintMeta(hints: CallHints, userId: string, resource: ResourceUri): JsonObject {
  const anonymous = (kind: string, id: string): string => digestText(`${kind}\n${userId}\n${resource}\n${id}`).slice(0, 32);
  const { locale, userAgent, conversation, widgetSession } = hints;
  return {
    "openai/subject": anonymous("subject", ""),
    ...(conversation === undefined ? {} : { "openai/session": anonymous("session", conversation) }),
    ...(widgetSession === undefined ? {} : { "openai/widgetSessionId": widgetSession }),
    ...(locale === undefined ? {} : { "openai/locale": locale }),
    ...(userAgent === undefined ? {} : { "openai/userAgent": userAgent }),
  };
}
