import { createParser } from "eventsource-parser";

/** One event's data may be so long (UTF-16 units): longer than any fragment that an endpoint writes at once. */
const eventMax = 1024 * 1024;

/**
 * The data of the events of a `text/event-stream` (WHATWG HTML section 9.2), in the groups in which they arrived, so that what came together can be shown together.
 * `heard` is called for every arrival, also one without a whole event. Throws {@link StreamTooLarge} for more than `bytesMax` in all or for an endless event.
 */
export async function* readEventData(body: ReadableStream<Uint8Array>, bytesMax: number, heard: () => void): AsyncGenerator<readonly string[]> {
  const decoder = new TextDecoder();
  const arrived: string[] = [];
  let tooLarge = false;
  const parser = createParser({
    maxBufferSize: eventMax,
    onEvent: ({ data }) => void arrived.push(data),
    onError: ({ type }) => {
      tooLarge ||= type === "max-buffer-size-exceeded";
    },
  });
  let bytes = 0;
  for await (const chunk of body) {
    heard();
    bytes += chunk.byteLength;
    if (bytes > bytesMax) throw new StreamTooLarge();
    parser.feed(decoder.decode(chunk, { stream: true }));
    if (tooLarge) throw new StreamTooLarge();
    if (arrived.length > 0) yield arrived.splice(0);
  }
}

/** The stream said more than anybody wants to hear. */
export class StreamTooLarge extends Error {}
