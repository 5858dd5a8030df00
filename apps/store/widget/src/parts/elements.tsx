import { type IconName, iconShapes } from "@countersign/look/icons";
import type { ComponentChildren, VNode } from "preact";
import { useLayoutEffect, useRef } from "preact/hooks";

/** One icon of the design language; what it means stands beside it. */
export function Icon({ name }: { readonly name: IconName }): VNode {
  return (
    <svg
      class="icon"
      viewBox="0 0 24 24"
      width="20"
      height="20"
      fill="none"
      stroke="currentColor"
      stroke-width="1.75"
      stroke-linecap="round"
      stroke-linejoin="round"
      aria-hidden="true"
      focusable="false"
      dangerouslySetInnerHTML={{ __html: iconShapes[name] }}
    />
  );
}

/** A product's picture; beside its title it says nothing more to a screen reader. */
export function Picture({ source, small = false }: { readonly source: string | undefined; readonly small?: boolean }): VNode {
  const classes = small ? "picture picture-small" : "picture";
  return source === undefined ? <span class={classes} /> : <img class={classes} src={source} alt="" width="320" height="240" />;
}

/**
 * The heading of a screen. It takes the focus when its screen appears, so that keyboard and screen reader go along; never from the chat around it. When `again`
 * changes, it takes a focus that was lost with a control that went away.
 */
export function ScreenHeading({ children, again }: { readonly children: ComponentChildren; readonly again?: unknown }): VNode {
  const heading = useRef<HTMLHeadingElement>(null);
  const isNew = useRef(true);
  // Before anybody can press what stands below it: the focus must not leave a control that was just reached.
  useLayoutEffect(() => {
    if (document.hasFocus() && (isNew.current || document.activeElement === document.body)) heading.current?.focus({ preventScroll: true });
    isNew.current = false;
  }, [again]);
  return (
    <h1 ref={heading} tabIndex={-1} class="screen-heading">
      {children}
    </h1>
  );
}

/** A button that cannot be pressed while its work is under way, and says so. */
export function WorkButton(props: {
  readonly busy: boolean;
  readonly disabled?: boolean;
  readonly class: string;
  readonly testId: string;
  readonly label?: string;
  readonly onPress: () => void;
  readonly children: ComponentChildren;
}): VNode {
  const press = (): void => {
    if (!props.busy) props.onPress();
  };
  return (
    <button
      type="button"
      class={props.class}
      data-testid={props.testId}
      disabled={props.disabled === true}
      aria-disabled={props.busy}
      aria-busy={props.busy}
      aria-label={props.label}
      onClick={press}
    >
      {props.busy ? <span class="spinner" aria-hidden="true" /> : null}
      {props.children}
    </button>
  );
}

/** How many of something: one less, one more. `what` names it to a screen reader, which hears the number after each press. */
export function Stepper(props: {
  readonly what: string;
  readonly value: number;
  readonly max: number;
  readonly onChange: (value: number) => void;
}): VNode {
  const { what, value, max, onChange } = props;
  const step = (by: -1 | 1, label: string, icon: IconName): VNode => {
    const isEnd = value + by < 1 || value + by > max;
    return (
      <button type="button" class="icon-button" aria-label={`${label} ${what}`} aria-disabled={isEnd} onClick={() => isEnd || onChange(value + by)}>
        <Icon name={icon} />
      </button>
    );
  };
  return (
    <span class="stepper" role="group" aria-label={`Quantity of ${what}`}>
      {step(-1, "One less", "minus")}
      <output class="nums" aria-live="polite" data-testid="quantity">
        {value}
      </output>
      {step(1, "One more", "plus")}
    </span>
  );
}
