import type { JSX } from "preact";
import { useState } from "preact/hooks";
import { Icon } from "./icon.tsx";
import { useConsole, useServices } from "./services.ts";
import { useEscape } from "./use-escape.ts";

/** The foot of the conversation: a message for the model when there is one, else the way to the tools. */
export function Composer({ onTools }: { readonly onTools: () => void }): JSX.Element {
  const model = useConsole((state) => state.model);
  return model === undefined ? <ToolBar onTools={onTools} /> : <ChatInput model={model} onTools={onTools} />;
}

function ToolBar({ onTools }: { readonly onTools: () => void }): JSX.Element {
  const ready = useConsole((state) => state.phase === "ready");
  return (
    <div class="composer">
      <button type="button" class="composer-open" data-testid="open-tool-picker" disabled={!ready} onClick={onTools}>
        <Icon name="search" />
        <span class="grow">Choose a tool to use</span>
        <kbd class="key">{shortcut()}</kbd>
      </button>
    </div>
  );
}

function ChatInput({ model, onTools }: { readonly model: string; readonly onTools: () => void }): JSX.Element {
  const { console } = useServices();
  const answering = useConsole((state) => state.answering);
  const [text, setText] = useState("");
  const [problem, setProblem] = useState<string>();
  const send = async (): Promise<void> => {
    const words = text.trim();
    if (words === "" || answering !== undefined) return;
    setText("");
    setProblem(undefined);
    const refused = await console.say(words);
    if (refused === undefined) return;
    setProblem(refused.message);
    // What was not taken is the user's still.
    setText((typed) => (typed === "" ? words : typed));
  };
  const onKeyDown = (event: KeyboardEvent): void => {
    if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
    event.preventDefault();
    void send();
  };
  return (
    <form
      class="composer"
      onSubmit={(event) => {
        event.preventDefault();
        void send();
      }}
    >
      <div class="composer-box">
        <textarea
          class="composer-text"
          rows={1}
          placeholder={`Message ${model}`}
          aria-label="Message"
          maxLength={20_000}
          data-testid="chat-input"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
          onKeyDown={onKeyDown}
        />
        <div class="row between snug">
          <button type="button" class="button button-quiet button-small" data-testid="open-tool-picker" onClick={onTools}>
            <Icon name="sliders" size="small" />
            Tools
          </button>
          {answering === "elsewhere" && (
            <p class="small quiet grow end" data-testid="answering-elsewhere">
              The assistant is answering in another conversation.
            </p>
          )}
          {answering === undefined ? (
            <button type="submit" class="icon-button send" aria-label="Send" disabled={text.trim() === ""} data-testid="chat-send">
              <Icon name="arrow_up" />
            </button>
          ) : (
            <StopButton here={answering === "here"} />
          )}
        </div>
      </div>
      {problem !== undefined && (
        <p class="field-error" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

/** Ends the answer that is being given. Escape does the same for one of this conversation, unless a view fills the page: it closes that then. */
function StopButton({ here }: { readonly here: boolean }): JSX.Element {
  const { console } = useServices();
  const fullscreen = useConsole((state) => state.stage?.mode === "fullscreen");
  const stop = (): void => void console.stopAnswer();
  useEscape(here && !fullscreen, stop);
  return (
    <button
      type="button"
      class="icon-button send"
      aria-label={here ? "Stop the answer" : "Stop the other answer"}
      title={here ? "Stop (Esc)" : "Stop"}
      data-testid="chat-stop"
      onClick={stop}
    >
      <Icon name="stop" />
    </button>
  );
}

function shortcut(): string {
  return /mac|iphone|ipad/i.test(navigator.userAgent) ? "⌘ K" : "Ctrl K";
}
