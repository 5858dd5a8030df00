import type { Page } from "./layout.ts";
import { noticePage } from "./notice.ts";
import { text } from "./text.ts";

/** The page of an OAuth error that must not be sent to the client: it stays here, and names no address of the request. */
export function errorPage(code: string): Page {
  switch (code) {
    case "session_not_found":
      return noticePage({ heading: text.error.expiredTitle, message: text.error.expired, tone: "warn" });
    case "invalid_client":
    case "invalid_client_metadata":
      return noticePage({ heading: text.error.title, message: text.error.unknownClient, tone: "bad" });
    case "invalid_redirect_uri":
      return noticePage({ heading: text.error.title, message: text.error.badRedirect, tone: "bad" });
    case "rate_limited":
      return noticePage({ heading: text.error.busyTitle, message: text.error.busy, tone: "warn" });
    case "server_error":
      return noticePage({ heading: text.error.title, message: text.error.server, tone: "bad" });
    default:
      return noticePage({ heading: text.error.title, message: text.error.badRequest, tone: "bad" });
  }
}
