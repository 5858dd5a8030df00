/** Lets the browser save a file under a name that is safe on every system. */
export function saveFile(name: string, blob: Blob): void {
  const url = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = url;
  link.download = safeName(name);
  link.click();
  // The browser has taken the bytes over by then.
  setTimeout(() => URL.revokeObjectURL(url), 60_000);
}

/** A file's name without a path, and without what is invisible or means something to a file system. */
export function safeName(name: string): string {
  const base = name.split(/[/\\]/).at(-1) ?? "";
  const plain = base.replaceAll(/[\u0000-\u001f\u007f-\u009f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff"<>:|?*]/g, "").trim();
  return plain === "" || /^\.+$/.test(plain) ? "file" : plain.slice(-120);
}
