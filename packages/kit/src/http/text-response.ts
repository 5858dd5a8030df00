import { withKnownText } from "@countersign/protocol/known-text";

/**
 * Makes the answer to a request from a whole text. Where an adapter stands in front, which passes its own kind of request and takes answers apart by
 * their public members, the stream of the body is made only if somebody asks for it: a server that knows the text never does, and making it costs
 * a tenth of a call. A runtime that hands in the platform's own Request may take answers apart natively, so it gets the platform's own.
 */
export function textResponse(request: Request, text: string, init: ResponseInit): Response {
  const response = isFromAdapter(request) && isPlatformsOwn() ? new TextResponse(text, init) : new Response(text, init);
  return withKnownText(response, text);
}

/** Says whether a request is an adapter's stand-in for the platform's own. */
export function isFromAdapter(request: Request): boolean {
  return Object.getPrototypeOf(request) !== Request.prototype;
}

/** Whether Response is what the platform made it: some adapters replace it by one that is as cheap as ours, and that must not be derived from. */
function isPlatformsOwn(): boolean {
  return Object.getPrototypeOf(Response) === Function.prototype && Object.getPrototypeOf(TextResponse) === Response;
}

const readers = ["text", "json", "arrayBuffer", "bytes", "blob", "formData", "clone"] as const;

/** The platform's own Response but for what concerns the body, which is made when it is asked for. */
class TextResponse extends Response {
  readonly #text: string;
  #whole: Response | undefined;

  constructor(text: string, init: ResponseInit) {
    super(null, init);
    this.#text = text;
  }

  // The platform's types declare the members of a body as properties, which a class cannot override by name.
  static {
    Object.defineProperty(this.prototype, "body", {
      get(this: TextResponse): unknown {
        return this.#filled().body;
      },
    });
    Object.defineProperty(this.prototype, "bodyUsed", {
      get(this: TextResponse): boolean {
        return this.#whole?.bodyUsed ?? false;
      },
    });
    for (const reader of readers) {
      Object.defineProperty(this.prototype, reader, {
        value(this: TextResponse): unknown {
          return this.#filled()[reader]();
        },
      });
    }
  }

  /** Made once, with the headers as they are then. */
  #filled(): Response {
    this.#whole ??= new Response(this.#text, this);
    return this.#whole;
  }
}
