/** Types that a browser shows without running anything, by the bytes that such a file begins with. `undefined`: any bytes, shown as text or played. */
const inert: Readonly<Record<string, readonly (readonly [at: number, hex: string])[] | undefined>> = {
  "image/png": [[0, "89504e470d0a1a0a"]],
  "image/jpeg": [[0, "ffd8ff"]],
  "image/gif": [[0, "47494638"]],
  "image/webp": [
    [0, "52494646"],
    [8, "57454250"],
  ],
  "application/pdf": [[0, "25504446"]],
  "application/json": undefined,
  "text/plain": undefined,
  "text/csv": undefined,
  "text/markdown": undefined,
  "audio/mpeg": undefined,
  "audio/wav": undefined,
  "video/mp4": undefined,
  "video/webm": undefined,
};

/** The declared type when it is a well-formed media type without parameters, else `application/octet-stream`. */
export function readMediaType(declared: string | null): string {
  const [type = ""] = (declared ?? "").toLowerCase().split(";", 1);
  return /^[a-z0-9][a-z0-9!#$&^_.+-]{0,60}\/[a-z0-9][a-z0-9!#$&^_.+-]{0,80}$/.test(type.trim()) ? type.trim() : "application/octet-stream";
}

/** The type to serve a file with: the declared one if it is harmless and its bytes agree, else bytes to be saved. */
export function servedType(declared: string, bytes: Buffer): string {
  if (!Object.hasOwn(inert, declared)) return "application/octet-stream";
  const marks = inert[declared] ?? [];
  const agrees = marks.every(([at, hex]) => bytes.subarray(at, at + hex.length / 2).toString("hex") === hex);
  if (!agrees) return "application/octet-stream";
  return declared.startsWith("text/") ? `${declared}; charset=utf-8` : declared;
}

/** A name that is safe on every file system and in a header: no path, no control or invisible character, at most 120 characters. */
export function readFileName(given: string): string {
  const base = given.split(/[/\\]/).at(-1) ?? "";
  const plain = base.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"<>:|?*]/g, "").trim();
  return plain === "" || /^\.+$/.test(plain) ? "file" : plain.slice(-120);
}
