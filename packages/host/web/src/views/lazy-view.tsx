import type { ComponentChildren, ComponentType, JSX } from "preact";
import { useEffect, useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

type View<P> = (props: P) => JSX.Element | null;

/**
 * A view in a chunk of its own, loaded when it is first shown: for what most visits never see. From then on it is there at once.
 * When it cannot be loaded (no connection, or the host was replaced by another version meanwhile), the user is told, inside `frame` where there is one.
 */
export function lazyView<P extends object>(
  load: () => Promise<View<P>>,
  frame: View<P & { readonly children: ComponentChildren }> = inPlace,
): View<P> {
  let loaded: ComponentType<P> | undefined;
  const Frame: ComponentType<P & { readonly children: ComponentChildren }> = frame;
  return (props) => {
    const [state, setState] = useState<"loading" | "ready" | "failed">("loading");
    useEffect(() => {
      if (loaded !== undefined) return undefined;
      let current = true;
      void load().then(
        (view) => {
          loaded = view;
          if (current) setState("ready");
        },
        () => {
          if (current) setState("failed");
        },
      );
      return () => {
        current = false;
      };
    }, []);
    const Shown = loaded;
    if (Shown !== undefined) return <Shown {...props} />;
    if (state !== "failed") return null;
    return (
      <Frame {...props}>
        <NotLoaded />
      </Frame>
    );
  };
}

function inPlace({ children }: { readonly children: ComponentChildren }): JSX.Element {
  return <>{children}</>;
}

function NotLoaded(): JSX.Element {
  return (
    <p class="notice notice-bad" role="alert" data-testid="not-loaded">
      <Icon name="alert" size="small" />
      <span class="grow">This part of the page could not be loaded.</span>
      <button type="button" class="button-link" onClick={() => location.reload()}>
        Reload the page
      </button>
    </p>
  );
}
