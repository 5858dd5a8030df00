/**
 * Turns an event whose data is a list of messages into one event for each (JSON-RPC batching, which only MCP 2025-03-26 has): the SDK reads single messages from
 * streams. Lines that are no such data pass as they are.
 */
export function splitBatches(): TransformStream<Uint8Array, Uint8Array> {
  const decoder = new TextDecoder();
  const encoder = new TextEncoder();
  let rest = "";
  return new TransformStream({
    transform(chunk, controller) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop() ?? "";
      for (const line of lines) controller.enqueue(encoder.encode(`${splitLine(line)}\n`));
    },
    flush(controller) {
      if (rest !== "") controller.enqueue(encoder.encode(splitLine(rest)));
    },
  });
}

function splitLine(line: string): string {
  const data = /^data: ?(\[.*\])\s*$/.exec(line)?.[1];
  const messages = data === undefined ? undefined : parseList(data);
  return messages === undefined ? line : messages.map((message) => `data: ${JSON.stringify(message)}`).join("\n\n");
}

function parseList(text: string): readonly unknown[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
