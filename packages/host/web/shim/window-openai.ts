import { type AuthorizationNow, globalsAttribute, type OpenAiGlobals } from "../src/bridge/globals.ts";
import { openChannel, type ShimWindow } from "./channel.ts";
import { uploadFile, type UploadedFile } from "./upload.ts";

export interface ShimOptions {
  readonly view: ShimWindow;
  /** Makes the event by which a widget learns of new globals. */
  readonly event: (globals: Partial<OpenAiGlobals>) => Event;
  /** Called at the first use of `window.openai`: the widget relies on it, so its height is reported for it from now on. */
  readonly onUsed: () => void;
}

/** A file as `selectFiles` and `uploadFile` name it. */
export type { UploadedFile } from "./upload.ts";

/** The whole of `window.openai`. */
export interface OpenAi extends OpenAiGlobals {
  callTool(name: string, args?: unknown): Promise<unknown>;
  setWidgetState(state: unknown): Promise<void>;
  sendFollowUpMessage(message: FollowUp): Promise<void>;
  sendFollowupTurn(message: FollowUp): Promise<void>;
  openExternal(link: { href: string; redirectUrl?: boolean } | string): Promise<void>;
  setOpenInAppUrl(link: { href: string } | string): Promise<void>;
  requestDisplayMode(request: { mode: string }): Promise<{ mode: string }>;
  requestModal(request: { params?: unknown; template?: string }): Promise<void>;
  requestClose(): Promise<void>;
  uploadFile(file: Blob, options?: { library?: boolean }): Promise<UploadedFile>;
  selectFiles(): Promise<readonly UploadedFile[]>;
  getFileDownloadUrl(file: { fileId: string }): Promise<{ downloadUrl: string }>;
  notifyIntrinsicHeight(height: number): void;
  /** An extension: a page of the app in a window, and the parameters that it comes back with. Undefined where the app declares no `redirect_domains`. */
  readonly openAuthPopup: ((url: string) => Promise<Readonly<Record<string, string>>>) | undefined;
}

interface FollowUp {
  readonly prompt: string;
  readonly scrollToBottom?: boolean;
}

const signedOut: AuthorizationNow = { connection: "signed_out", state: "idle" };

/** Before the host said anything. */
const unknownGlobals: OpenAiGlobals = {
  toolInput: null,
  toolOutput: null,
  toolResponseMetadata: null,
  widgetState: null,
  theme: "light",
  displayMode: "inline",
  locale: "en",
  maxHeight: 600,
  safeArea: { insets: { top: 0, right: 0, bottom: 0, left: 0 } },
  userAgent: { device: { type: "desktop" }, capabilities: { hover: true, touch: false } },
  view: { mode: "inline" },
  "countersign/authorization": signedOut,
  "countersign/openAuthPopup": false,
};

/**
 * Makes `window.openai` over JSON-RPC messages to the parent window. Only messages with its own ids and methods are taken (and stopped, so
 * that a widget which speaks the MCP Apps bridge at the same time never sees them); all others pass untouched.
 */
export function createOpenAi(options: ShimOptions): { readonly openai: OpenAi; readonly reportHeight: (height: number) => void } {
  const { view } = options;
  const channel = openChannel(view);
  let globals: OpenAiGlobals | undefined;
  let used = false;
  let explicitHeight = false;
  const read = (): OpenAiGlobals => {
    globals ??= { ...unknownGlobals, ...readBlock(view) };
    return globals;
  };
  const use = (): OpenAiGlobals => {
    if (!used) {
      used = true;
      options.onUsed();
    }
    return read();
  };
  const change = (changed: Partial<OpenAiGlobals>): void => {
    globals = { ...read(), ...changed };
    view.dispatchEvent(options.event(changed));
  };
  channel.onGlobals = change;
  const notifyIntrinsicHeight = (height: number): void => {
    explicitHeight = true;
    channel.notify("openai/notifyIntrinsicHeight", { height });
  };
  const openai = withMembers(use, { ...actionsOf(channel, change), notifyIntrinsicHeight }, (url) =>
    channel.request("countersign/open-auth-popup", { url }).then((answer) => textsOf(objectOf(answer)["parameters"])),
  );
  const reportHeight = (height: number): void => {
    if (!explicitHeight) channel.notify("openai/measuredHeight", { height });
  };
  return { openai, reportHeight };
}

/** Data that every host with `window.openai` has; ours alone are not among it. */
function isData(name: string): boolean {
  return Object.hasOwn(unknownGlobals, name) && !name.startsWith("countersign/");
}

/** `window.openai` as a host with these members has it. The others are absent, so that feature tests tell the truth. */
export function withOnly(openai: OpenAi, members: readonly string[]): Partial<OpenAi> {
  const descriptors = Object.entries(Object.getOwnPropertyDescriptors(openai));
  return Object.defineProperties({}, Object.fromEntries(descriptors.filter(([name]) => isData(name) || members.includes(name))));
}

type Actions = Omit<OpenAi, keyof OpenAiGlobals | "openAuthPopup">;

/** Globals are read when they are asked for: the first use starts the reporting of height, and a change is seen at once. */
function withMembers(use: () => OpenAiGlobals, actions: Actions, popup: NonNullable<OpenAi["openAuthPopup"]>): OpenAi {
  return {
    ...actions,
    get toolInput() {
      return use().toolInput;
    },
    get toolOutput() {
      return use().toolOutput;
    },
    get toolResponseMetadata() {
      return use().toolResponseMetadata;
    },
    get widgetState() {
      return use().widgetState;
    },
    get theme() {
      return use().theme;
    },
    get displayMode() {
      return use().displayMode;
    },
    get locale() {
      return use().locale;
    },
    get maxHeight() {
      return use().maxHeight;
    },
    get safeArea() {
      return use().safeArea;
    },
    get userAgent() {
      return use().userAgent;
    },
    get view() {
      return use().view;
    },
    get "countersign/authorization"() {
      return use()["countersign/authorization"];
    },
    get "countersign/openAuthPopup"() {
      return use()["countersign/openAuthPopup"];
    },
    get openAuthPopup() {
      return use()["countersign/openAuthPopup"] ? popup : undefined;
    },
  };
}

function actionsOf(
  channel: ReturnType<typeof openChannel>,
  change: (changed: Partial<OpenAiGlobals>) => void,
): Omit<Actions, "notifyIntrinsicHeight"> {
  const ask = async (method: string, params: unknown): Promise<void> => void (await channel.request(method, params));
  const hrefOf = (link: { href: string } | string): string => (typeof link === "string" ? link : link.href);
  const followUp = (message: FollowUp): Promise<void> =>
    ask("openai/sendFollowUpMessage", { prompt: message.prompt, scrollToBottom: message.scrollToBottom !== false });
  return {
    callTool: (name, args) => channel.request("openai/callTool", { name, arguments: args ?? {} }),
    setWidgetState: async (state) => {
      change({ widgetState: state ?? null });
      await channel.request("openai/setWidgetState", { state: state ?? null });
    },
    sendFollowUpMessage: followUp,
    sendFollowupTurn: followUp,
    openExternal: (link) => {
      const redirectUrl = typeof link === "string" || link.redirectUrl !== false;
      return ask("openai/openExternal", { href: hrefOf(link), redirectUrl });
    },
    setOpenInAppUrl: (link) => ask("openai/setOpenInAppUrl", { href: hrefOf(link) }),
    requestDisplayMode: async (wish) => {
      const { mode } = objectOf(await channel.request("openai/requestDisplayMode", { mode: wish.mode }));
      return { mode: typeof mode === "string" ? mode : "inline" };
    },
    requestModal: ({ params, template }) => ask("openai/requestModal", { params: params ?? null, ...(template === undefined ? {} : { template }) }),
    requestClose: () => ask("openai/requestClose", {}),
    uploadFile: (file) => uploadFile(channel, file),
    selectFiles: async () => {
      const { files } = objectOf(await channel.request("openai/selectFiles", {}));
      return Array.isArray(files) ? files : [];
    },
    getFileDownloadUrl: async ({ fileId }) => {
      const { downloadUrl } = objectOf(await channel.request("openai/getFileDownloadUrl", { fileId }));
      return { downloadUrl: String(downloadUrl) };
    },
  };
}

function readBlock(view: ShimWindow): Partial<OpenAiGlobals> {
  const text = view.document.querySelector(`script[${globalsAttribute}]`)?.textContent;
  return typeof text === "string" ? objectOf(JSON.parse(text)) : {};
}

function textsOf(value: unknown): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(objectOf(value)).map(([name, text]) => [name, String(text)]));
}

function objectOf(value: unknown): Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}
