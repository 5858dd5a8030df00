import { judgeAppLink } from "@countersign/protocol/app-link";
import type { DisplayMode } from "@countersign/protocol/host-profile-view";
import { isJsonObject } from "@countersign/protocol/shape";
import type { OpenAiGlobals } from "./bridge/globals.ts";
import { modesOf } from "./bridge/modes.ts";
import type { WidgetHost } from "./bridge/widget-host.ts";
import type { ShownView } from "./view-globals.ts";
import type { Services } from "./views/services.ts";
import { saveFile } from "./save-file.ts";
import type { StoredFile } from "./stored-file.ts";

/** What the host of a view needs to know of its place on the page. */
export interface ViewPlace extends ShownView {
  readonly serverName: string;
  readonly onMode: (mode: DisplayMode) => void;
  readonly onModal: ((request: { readonly template: string | undefined; readonly params: unknown }) => Promise<boolean>) | undefined;
  readonly onOpenInApp: (url: URL) => void;
  readonly onClose: () => void;
  readonly onStop: (message: string) => void;
}

export interface ViewHostWays {
  readonly place: () => ViewPlace;
  readonly resize: (height: number) => void;
  readonly globals: () => OpenAiGlobals;
  /** A small screen shows picture-in-picture in full. */
  readonly isSmall: () => boolean;
}

const isActive = (): boolean => navigator.userActivation.isActive;

/** What the console does for one view. Whatever takes room, time or words of the user needs the user's click first. */
export function createViewHost(services: Services, ways: ViewHostWays): WidgetHost {
  const { console, api, store, views } = services;
  const { place, resize, globals } = ways;
  const hasModel = store.get().model !== undefined;
  const setContext = (text: string): void => console.setAppContext(place().view.id, place().serverName, text);
  return {
    ...linksOf(services, ways),
    ...filesOf(services, ways),
    callTool: (name, args, signal) => {
      const { call, view } = place();
      const { id: widgetId, profile } = view;
      return console.callFromWidget({ connectorId: call.connectorId, widgetId, callId: call.id, profile }, name, args, signal);
    },
    listTools: async () => {
      const { connectorId } = place().call;
      if (store.get().tools[connectorId]?.state !== "ready") await console.loadTools(connectorId);
      const listed = store.get().tools[connectorId];
      return listed?.state === "ready" ? listed.tools.filter((tool) => tool.visibility.has("app")) : [];
    },
    readResource: (uri) => api.readResource(place().view.id, uri),
    listResources: (cursor) => api.listResources(place().view.id, cursor),
    say: (text, { scrollToBottom }) => {
      // Words that a model answers cost the user something, so they need the user's click.
      if (hasModel && !isActive()) return Promise.resolve(false);
      return console.sayFromApp(place().serverName, text, scrollToBottom);
    },
    setContext: hasModel ? setContext : undefined,
    sample: hasModel
      ? async (question) => {
          const text = question.messages.map((message) => message.text).join("\n\n");
          const agreed = await services.prompts.ask({ kind: "sampling", serverName: place().serverName, text });
          if (agreed) return api.sample(place().view.id, question);
          return { ok: false, error: { code: "access_denied", message: "The user did not agree.", retryable: false } };
        }
      : undefined,
    resize,
    requestDisplayMode: (mode) => {
      const now = place().mode;
      if (now === "modal") return "inline";
      const wanted = readMode(mode, modesOf(place().view.profile, ways.isSmall()));
      // Taking room needs the user's own click; giving it back does not.
      if (wanted === undefined || wanted === now || (wanted !== "inline" && !isActive())) return now;
      place().onMode(wanted);
      return wanted;
    },
    requestModal: (request) => {
      const { onModal } = place();
      return onModal === undefined || !isActive() ? Promise.resolve(false) : onModal(request);
    },
    close: () => place().onClose(),
    saveState: (state) => {
      if (hasModel) setContext(wordsForModel(state));
      return views.states.save(place().view.id, state);
    },
    globals,
    noteLadder: (step) => console.noteLadder(place().call.id, step),
    onViolation: (message) => place().onStop(`The view was stopped: ${message}.`),
  };
}

type Links = Pick<WidgetHost, "openLink" | "openAuthPopup" | "setOpenInApp">;

function linksOf({ store, prompts, views }: Services, { place, globals }: ViewHostWays): Links {
  const judge = (text: string): ReturnType<typeof judgeAppLink> => {
    const { connectors, flows } = store.get();
    const issuers = [...connectors.flatMap((connector) => connector.token?.issuer ?? []), ...Object.values(flows).map((flow) => flow.issuer)];
    return judgeAppLink(text, { issuers, linkDomains: place().view.linkDomains });
  };
  return {
    openLink: async (text, { wayBack }) => {
      const judged = judge(text);
      if (!judged.ok) return false;
      const { url, trusted } = judged.value;
      if (!trusted || !isActive()) return prompts.ask({ kind: "link", serverName: place().serverName, url });
      if (wayBack) url.searchParams.set("redirectUrl", `${location.origin}/`);
      window.open(url.href, "_blank", "noopener,noreferrer");
      return true;
    },
    openAuthPopup: globals()["countersign/openAuthPopup"]
      ? (url) => views.windows.open({ id: place().view.id, serverName: place().serverName }, url)
      : undefined,
    setOpenInApp: (text) => {
      const judged = judge(text);
      if (judged.ok) place().onOpenInApp(judged.value.url);
      return judged.ok;
    },
  };
}

type FileWays = Pick<WidgetHost, "download" | "uploadFile" | "selectFiles" | "linkFile">;

function filesOf({ api, prompts }: Services, { place }: ViewHostWays): FileWays {
  return {
    download: async (files) => {
      const named = files.map(({ name, bytes }) => ({ name, bytes: bytes.length }));
      if (!(await prompts.ask({ kind: "download", serverName: place().serverName, files: named }))) return false;
      for (const file of files) saveFile(file.name, new Blob([file.bytes], { type: "application/octet-stream" }));
      return true;
    },
    uploadFile: (file) => api.addFile(place().view.id, file),
    selectFiles: async () => {
      if (!isActive()) return [];
      const stored = await api.files(place().view.id);
      const choices = await prompts.files.ask({ serverName: place().serverName, stored: stored.ok ? stored.value : [] });
      const chosen: StoredFile[] = [];
      for (const choice of choices) {
        const file = choice.kind === "stored" ? choice.file : await api.addFile(place().view.id, choice.file);
        if (!("ok" in file)) chosen.push(file);
        else if (file.ok) chosen.push(file.value);
      }
      return chosen;
    },
    linkFile: (fileId) => api.linkFile(place().view.id, fileId),
  };
}

/** The mode that stands for the one asked for: where there is no place beside the conversation, all of it. */
function readMode(mode: string, modes: readonly DisplayMode[]): DisplayMode | undefined {
  const wanted = modes.find((each) => each === mode);
  return wanted ?? (mode === "pip" ? modes.find((each) => each === "fullscreen") : undefined);
}

/** The part of a widget's state that the model may read: `modelContent` and `imageIds` of a split state, else all of it. */
export function wordsForModel(state: unknown): string {
  const split = isJsonObject(state) && ("modelContent" in state || "privateContent" in state);
  if (!split) return state === null || state === undefined ? "" : JSON.stringify(state);
  const { modelContent, imageIds } = state;
  const images = Array.isArray(imageIds) && imageIds.length > 0 ? [`Images: ${imageIds.filter((id) => typeof id === "string").join(", ")}`] : [];
  const words =
    modelContent === null || modelContent === undefined ? [] : [typeof modelContent === "string" ? modelContent : JSON.stringify(modelContent)];
  return [...words, ...images].join("\n");
}
