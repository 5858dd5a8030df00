import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icon.tsx";

export interface CodeBlockProps {
  readonly language: string | undefined;
  readonly text: string;
}

/** A block of code with the name of its language, and a button that copies it as it is. */
export function CodeBlock({ language, text }: CodeBlockProps): JSX.Element {
  const [said, setSaid] = useState<string>();
  const copy = async (): Promise<void> => {
    const copied = await navigator.clipboard.writeText(text).then(
      () => true,
      () => false,
    );
    setSaid(copied ? "Copied" : "Select it to copy");
    setTimeout(() => setSaid(undefined), 2500);
  };
  return (
    <div class="words-code" dir="ltr" data-testid="code-block">
      <div class="row snug words-code-head">
        <bdi class="small quiet grow truncate">{language ?? "Code"}</bdi>
        <span class="small quiet" role="status">
          {said}
        </span>
        <button
          type="button"
          class="icon-button"
          aria-label="Copy the code"
          title="Copy the code"
          data-testid="code-copy"
          onClick={() => void copy()}
        >
          <Icon name={said === "Copied" ? "check" : "copy"} size="small" />
        </button>
      </div>
      <pre tabIndex={0} aria-label={language === undefined ? "Code" : `Code, ${language}`} role="group">
        <code>{text}</code>
      </pre>
    </div>
  );
}
