import type { RefObject } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** How near to the end counts as "reading the end", in pixels. */
const nearEnd = 80;
const topGap = 16;

/** `turn`: keep the newest turn's top in view; `end`: keep the end in view; `free`: the reader is elsewhere. */
type Mode = "turn" | "end" | "free";

/**
 * Keeps a growing conversation in place. `count` is the number of its turns (children with `data-turn`); each new one is brought into view, and what grows below it
 * moves nothing.
 */
export function useFollow(scroller: RefObject<HTMLElement | null>, column: RefObject<HTMLElement | null>, count: number): void {
  const mode = useRef<Mode>("turn");
  const placed = useRef(0);
  const place = useRef(() => {});

  useEffect(() => {
    const area = scroller.current;
    const content = column.current;
    if (area === null || content === null) return undefined;
    place.current = () => {
      if (mode.current === "free") return;
      const end = area.scrollHeight - area.clientHeight;
      const newest = [...content.querySelectorAll(":scope > [data-turn]")].at(-1) ?? content.lastElementChild;
      const top = newest instanceof HTMLElement ? newest.offsetTop - area.offsetTop - topGap : end;
      placed.current = Math.max(0, mode.current === "end" ? end : Math.min(end, top));
      area.scrollTop = placed.current;
    };
    const note = (): void => {
      if (Math.abs(area.scrollTop - placed.current) < 2) return;
      mode.current = area.scrollHeight - area.scrollTop - area.clientHeight < nearEnd ? "end" : "free";
    };
    const grown = new ResizeObserver(() => place.current());
    grown.observe(content);
    grown.observe(area);
    area.addEventListener("scroll", note, { passive: true });
    return () => {
      grown.disconnect();
      area.removeEventListener("scroll", note);
    };
  }, [scroller, column]);

  useEffect(() => {
    mode.current = "turn";
    place.current();
  }, [count]);
}
