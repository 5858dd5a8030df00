import type { Page } from "playwright-core";

const quality = 0.55;

/** A PNG as a JPEG of this share of its size, in base64, made by the browser itself. Leaves the page empty. */
export async function shrink(page: Page, png: Buffer, share: number): Promise<Buffer> {
  const made = await page.evaluate(
    async ([text, scale, quality]) => {
      const bitmap = await createImageBitmap(await (await fetch(`data:image/png;base64,${text}`)).blob());
      const canvas = document.createElement("canvas");
      canvas.width = Math.round(bitmap.width * scale);
      canvas.height = Math.round(bitmap.height * scale);
      const context = canvas.getContext("2d");
      if (context === null) throw new Error("the browser draws nothing");
      context.imageSmoothingQuality = "high";
      context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
      return canvas.toDataURL("image/jpeg", quality);
    },
    [png.toString("base64"), share, quality] as const,
  );
  return Buffer.from(made.slice(made.indexOf(",") + 1), "base64");
}
