/** `window.openai` as its public reference describes it, and this host's extensions: written here again, so that the host is not tested against itself. */
export interface ReferenceOpenAi {
  readonly toolInput: unknown;
  readonly toolOutput: unknown;
  readonly toolResponseMetadata: unknown;
  readonly widgetState: unknown;
  readonly theme: "light" | "dark";
  readonly displayMode: string;
  readonly maxHeight: number;
  readonly safeArea: { readonly insets: { readonly top: number } };
  readonly view: { readonly mode: string; readonly params?: unknown };
  readonly userAgent: { readonly device: { readonly type: string } };
  readonly locale: string;
  readonly "countersign/authorization": unknown;
  setWidgetState(state: unknown): Promise<void>;
  callTool(name: string, args: Record<string, unknown>): Promise<unknown>;
  sendFollowUpMessage(message: { prompt: string; scrollToBottom?: boolean }): Promise<void>;
  sendFollowupTurn(message: { prompt: string; scrollToBottom?: boolean }): Promise<void>;
  uploadFile(file: File): Promise<{ fileId: string }>;
  selectFiles(): Promise<readonly { fileId: string; fileName?: string }[]>;
  getFileDownloadUrl(file: { fileId: string }): Promise<{ downloadUrl: string }>;
  requestDisplayMode(wish: { mode: string }): Promise<{ mode: string }>;
  requestModal(wish: { params?: unknown; template?: string }): Promise<void>;
  requestClose(): Promise<void>;
  notifyIntrinsicHeight(px: number): void;
  openExternal(link: { href: string; redirectUrl?: boolean }): Promise<void>;
  setOpenInAppUrl(link: { href: string }): Promise<void>;
  openAuthPopup?(url: string): Promise<Record<string, string>>;
}

/** The object that the host put into the frame under one of its two names. */
export function readOpenAi(name: "openai" | "webplus"): ReferenceOpenAi {
  const found: unknown = Reflect.get(window, name);
  if (!isOpenAi(found)) throw new TypeError(`there is no window.${name}`);
  return found;
}

function isOpenAi(value: unknown): value is ReferenceOpenAi {
  return typeof value === "object" && value !== null && "callTool" in value;
}
