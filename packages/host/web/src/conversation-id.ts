/** The id of this tab's conversation: the same after a reload, another one once the conversation was emptied. */
export interface ConversationId {
  readonly current: () => string;
  readonly renew: () => void;
}

const key = "countersign.conversation-id";

/** Reads the id that this tab keeps, or makes one. */
export function createConversationId(options: {
  readonly storage: { getItem(key: string): string | null; setItem(key: string, value: string): void };
  readonly newId: () => string;
}): ConversationId {
  let id: string | undefined;
  const make = (): string => {
    id = options.newId();
    try {
      options.storage.setItem(key, id);
    } catch {
      // The browser keeps nothing more: the id lasts as long as the page.
    }
    return id;
  };
  return { current: () => (id ??= options.storage.getItem(key) ?? make()), renew: () => void make() };
}
