/** How much is read of another server's answer. */
const bytesMax = 65_536;

/** The body of an answer. Throws a `RangeError` as soon as it is longer than 64 KB; the rest is never read. */
export async function readBounded(response: Response): Promise<Buffer<ArrayBuffer>> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of response.body ?? []) {
    length += chunk.byteLength;
    if (length > bytesMax) throw new RangeError("the answer is too large");
    chunks.push(chunk);
  }
  return Buffer.concat(chunks);
}
