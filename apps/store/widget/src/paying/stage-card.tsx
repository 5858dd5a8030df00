import { timeLeft } from "@countersign/widget/panel-view";
import type { ComponentChildren, VNode } from "preact";
import { useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import { Icon } from "../parts/elements.tsx";
import { useShop } from "../parts/shop-context.ts";
import type { StageWords } from "./payment-words.ts";

/**
 * Says what happens and what to do. Steps are read out when there is time, a failure at once; both places stay, because what appears together with its words is not
 * read out. What changes each second stands beside them.
 */
export function StageCard(props: {
  readonly words: StageWords | undefined;
  /** Of the failure that it is about. */
  readonly code: string | undefined;
  readonly children?: ComponentChildren;
}): VNode {
  const { words, code } = props;
  const said = words === undefined ? null : <Said words={words} />;
  return (
    <div class={words === undefined ? "" : `stage stage-${words.tone}`}>
      {words === undefined ? null : (
        <span class={sealOf(words.tone)}>{words.tone === "busy" ? <span class="spinner" aria-hidden="true" /> : <Icon name={words.icon} />}</span>
      )}
      <div class="grow">
        <div role="status">{code === undefined ? said : null}</div>
        <div role="alert" {...(code === undefined ? {} : { "data-testid": "error", "data-code": code })}>
          {code === undefined ? null : said}
        </div>
        {props.children}
      </div>
    </div>
  );
}

function Said({ words }: { readonly words: StageWords }): VNode {
  return (
    <>
      <p class="strong">{words.title}</p>
      <p class="small quiet">{words.text}</p>
    </>
  );
}

function sealOf(tone: StageWords["tone"]): string {
  return tone === "quiet" || tone === "busy" ? "seal" : `seal seal-${tone}`;
}

/** The time that is left, each second anew and read out only when asked. Nothing where no end is known. */
export function Countdown({ until }: { readonly until: number | undefined }): VNode | null {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (until === undefined) return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [until]);
  return until === undefined ? null : (
    <p class="small quiet nums" role="timer">
      Ends in {timeLeft(until, now)}
    </p>
  );
}

/** Where the link with its QR code stands while a screen asks for it. */
export function LinkPlace(): VNode {
  const place = useRef<HTMLDivElement>(null);
  const { borrowLink } = useShop();
  useLayoutEffect(() => (place.current === null ? undefined : borrowLink(place.current)), []);
  return <div ref={place} class="link-borrowed" />;
}
