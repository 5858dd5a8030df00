/** Something that a view tries when its button is pressed. It passes when it returns (what it found), and fails when it throws. */
export type Check = () => unknown;

/** Fails a check in words. */
export function expectThat(condition: boolean, words: string): void {
  if (!condition) throw new Error(words);
}

/** Whatever a promise rejects with, as plain values. */
export async function rejectionOf(promise: Promise<unknown>): Promise<{ readonly code: unknown; readonly message: string }> {
  try {
    const value = await promise;
    throw new Error(`resolved with ${JSON.stringify(value)}`);
  } catch (error) {
    if (!(error instanceof Error)) return { code: undefined, message: String(error) };
    if (error.message.startsWith("resolved with")) throw error;
    return { code: Reflect.get(error, "code"), message: error.message };
  }
}

/** Draws a button for each check and a line for what it found: `data-check`, `data-ok` (`true`, `false` or `running`), and the outcome as text. */
export function showChecks(checks: Readonly<Record<string, Check>>): void {
  const style = document.createElement("style");
  style.textContent =
    ":root{color-scheme:light dark;font:14px system-ui}body{margin:12px}button{margin:2px;font:inherit}ul{padding-left:0;list-style:none}" +
    "li{margin:2px 0;overflow-wrap:anywhere}li[data-ok=true]::before{content:'pass '}li[data-ok=false]::before{content:'FAIL '}";
  const list = document.createElement("ul");
  for (const [name, check] of Object.entries(checks)) {
    const button = document.createElement("button");
    button.textContent = name;
    button.dataset["run"] = name;
    button.addEventListener("click", () => void run(list, name, check));
    document.body.append(button);
  }
  document.head.append(style);
  document.body.append(list);
  document.body.dataset["ready"] = "yes";
}

async function run(list: HTMLElement, name: string, check: Check): Promise<void> {
  const line = document.createElement("li");
  line.dataset["check"] = name;
  line.dataset["ok"] = "running";
  line.textContent = name;
  list.querySelector(`[data-check="${name}"]`)?.remove();
  list.prepend(line);
  try {
    const found = await check();
    line.textContent = `${name} ${JSON.stringify(found ?? {})}`;
    line.dataset["ok"] = "true";
  } catch (error) {
    line.textContent = `${name} ${error instanceof Error ? error.message : JSON.stringify(error)}`;
    line.dataset["ok"] = "false";
  }
}
