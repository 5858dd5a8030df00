import type { Target } from "./sink.ts";

/** One way in which a document could lead data out. */
export interface Channel {
  readonly name: string;
  /** Runs inside the document, as its own script would, and so reaches nothing but its argument. */
  readonly attack: (target: Target) => unknown;
  /** Changes or leaves its document, so it has that document for itself. */
  readonly alone?: true;
  /** The browser may end the process of the view for it, and the driver then gives up every page with a frame in it; so it gets a browser for itself. */
  readonly mayEndProcess?: true;
}
