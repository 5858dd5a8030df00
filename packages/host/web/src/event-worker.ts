import { createHub } from "./event-hub.ts";

// Runs once for all pages of the console in a browser. A session may have ended while the stream was away; reading it begins a new one.
const hub = createHub({
  open: (url) => new EventSource(url),
  schedule: (run, delayMs) => {
    const timer = setTimeout(() => void fetch("/api/session", { cache: "no-store" }).then(run, run), delayMs);
    return () => clearTimeout(timer);
  },
});

addEventListener("connect", (event) => {
  if (!(event instanceof MessageEvent)) return;
  for (const port of event.ports) hub.join(port);
});
