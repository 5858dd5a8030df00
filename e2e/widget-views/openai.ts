import { readOpenAi } from "./reference-openai.ts";
import { type Check, expectThat, rejectionOf, showChecks } from "./report.ts";

const openai = readOpenAi("openai");
const heard: Record<string, unknown>[] = [];
window.addEventListener("openai:set_globals", (event) => {
  if (event instanceof CustomEvent) heard.push(event.detail.globals);
});
/** What the first script of the page sees, before anything else could have happened. */
const first = { toolOutput: openai.toolOutput, widgetState: openai.widgetState };

const until = async (condition: () => boolean, words: string): Promise<void> => {
  const end = performance.now() + 5000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(words);
    await new Promise((resolve) => void setTimeout(resolve, 20));
  }
};

const data: Record<string, Check> = {
  toolInput: () => ({ toolInput: openai.toolInput }),
  toolOutput: async () => {
    await until(() => openai.toolOutput !== null, "no output came");
    return { atFirst: first.toolOutput, toolOutput: openai.toolOutput };
  },
  toolResponseMetadata: () => ({ metadata: openai.toolResponseMetadata }),
  globals: () => {
    const { theme, displayMode, maxHeight, safeArea, view, userAgent, locale } = openai;
    expectThat(maxHeight > 0 && safeArea.insets.top >= 0 && locale.length > 1, "a global is missing");
    return { theme, displayMode, view, userAgent, authorization: openai["countersign/authorization"] };
  },
  webplus: () => expectThat(readOpenAi("webplus") === openai, "webplus is another object"),
  requestCheckout: () => expectThat(!("requestCheckout" in openai), "requestCheckout is announced"),
  heard: () => ({ heard }),
};

const actions: Record<string, Check> = {
  setWidgetState: async () => {
    const state = { modelContent: "The user chose blue.", privateContent: { page: 2 }, imageIds: [] };
    const kept = openai.setWidgetState(state);
    expectThat(JSON.stringify(openai.widgetState) === JSON.stringify(state), "the new state is not there at once");
    await kept;
    return undefined;
  },
  widgetState: () => ({ atFirst: first.widgetState, now: openai.widgetState }),
  stateTooLarge: async () => rejectionOf(openai.setWidgetState("x".repeat(70_000))),
  callTool: async () => ({ result: await openai.callTool("echo", { words: "from openai" }) }),
  callModelTool: async () => rejectionOf(openai.callTool("model_only", {})),
  callUnknownTool: async () => rejectionOf(openai.callTool("nothing_like_this", {})),
  sendFollowUpMessage: () => openai.sendFollowUpMessage({ prompt: "Follow-up from the view" }),
  sendFollowupTurn: () => openai.sendFollowupTurn({ prompt: "Old name", scrollToBottom: false }),
  fullscreen: () => openai.requestDisplayMode({ mode: "fullscreen" }),
  pip: () => openai.requestDisplayMode({ mode: "pip" }),
  inline: () => openai.requestDisplayMode({ mode: "inline" }),
  later: async () => {
    await new Promise((resolve) => void setTimeout(resolve, 8000));
    return openai.requestDisplayMode({ mode: "fullscreen" });
  },
  requestModal: () => openai.requestModal({ params: { item: 7 }, template: "ui://probe/detail.html" }),
  foreignModal: () => rejectionOf(openai.requestModal({ template: "ui://other/none.html" })),
  requestClose: () => openai.requestClose(),
  notifyIntrinsicHeight: () => openai.notifyIntrinsicHeight(999_999),
  openUntrusted: () => openai.openExternal({ href: "https://elsewhere.example/page" }),
  openScript: () => rejectionOf(openai.openExternal({ href: "javascript:alert(1)" })),
  openTrusted: () => openai.openExternal({ href: `${placeOf()}/landing` }),
  openTrustedPlain: () => openai.openExternal({ href: `${placeOf()}/landing`, redirectUrl: false }),
  setOpenInAppUrl: () => openai.setOpenInAppUrl({ href: `${placeOf()}/landing` }),
  openAuthPopup: async () => ({ parameters: await openai.openAuthPopup?.(`${placeOf()}/link?plan=a`) }),
  openForeignPopup: () => rejectionOf(Promise.resolve(openai.openAuthPopup?.("https://elsewhere.example/"))),
};

const picture = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
let fileId = "";

const files: Record<string, Check> = {
  uploadFile: async () => {
    const bytes = Uint8Array.from(atob(picture), (character) => character.charCodeAt(0));
    const stored = await openai.uploadFile(new File([bytes], "dot.png", { type: "image/png" }));
    fileId = stored.fileId;
    return { ...stored, size: bytes.length };
  },
  uploadLarge: async () => {
    const stored = await openai.uploadFile(new File([new Uint8Array(3_000_000)], "large.bin"));
    const { downloadUrl } = await openai.getFileDownloadUrl({ fileId: stored.fileId });
    return { size: (await (await fetch(downloadUrl)).arrayBuffer()).byteLength };
  },
  getFileDownloadUrl: async () => {
    const { downloadUrl } = await openai.getFileDownloadUrl({ fileId });
    const image = new Image();
    image.src = downloadUrl;
    await image.decode();
    return { width: image.naturalWidth, fetched: (await (await fetch(downloadUrl)).arrayBuffer()).byteLength };
  },
  fileArgument: async () => ({ result: await openai.callTool("take_file", { photo: { file_id: fileId } }) }),
  foreignFile: () => rejectionOf(openai.getFileDownloadUrl({ fileId: "file_of_nobody" })),
  selectFiles: async () => ({ files: await openai.selectFiles() }),
};

/** The server's own web address, which its resource declares in `redirect_domains`. */
function placeOf(): string {
  return document.documentElement.dataset["place"] ?? "";
}

showChecks({ ...data, ...actions, ...files });
