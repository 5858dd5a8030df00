import type { RefObject } from "preact";
import { useLayoutEffect } from "preact/hooks";

/** Layers of the host that stay in reach whatever a view covers: dialogs, and where the user approves. */
const hostLayers = "dialog, .signin-cards";

/**
 * While `active`, everything on the page but the element and the host's own layers is inert: out of reach for keyboard, pointer and screen reader. The focus
 * goes into the element, and back to where it was.
 */
export function useSoleFocus(ref: RefObject<HTMLElement | null>, active: boolean): void {
  useLayoutEffect(() => {
    const element = ref.current;
    if (!active || element === null) return undefined;
    const before = document.activeElement;
    const marked = new Set<HTMLElement>();
    const mark = (): void => markAround(document.body, element, marked);
    mark();
    const observer = new MutationObserver(mark);
    observer.observe(document.body, { childList: true, subtree: true });
    element.querySelector<HTMLElement>("button")?.focus();
    return () => {
      observer.disconnect();
      for (const each of marked) each.inert = false;
      if (before instanceof HTMLElement && before.isConnected) before.focus();
    };
  }, [active]);
}

function markAround(parent: Element, kept: Element, marked: Set<HTMLElement>): void {
  for (const child of parent.children) {
    if (child === kept || child.matches(hostLayers) || !(child instanceof HTMLElement)) continue;
    if (child.contains(kept) || child.querySelector(hostLayers) !== null) markAround(child, kept, marked);
    else if (!child.inert) {
      child.inert = true;
      marked.add(child);
    }
  }
}
