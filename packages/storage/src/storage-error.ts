/**
 * Why storage could not do its part.
 *
 * `outcome_unknown`: the connection broke after a statement was sent, so it may or may not have taken effect; read before any retry.
 * `busy`: another writer held the database, or transactions kept colliding, for longer than the bounded retries.
 * `unique`, `reference`, `constraint`: a rule of a party's own tables refused the write.
 * `aborted`: a statement of the transaction failed, the error was caught inside, and the transaction went on; nothing of it is kept.
 * `foreign_owner`: the file belongs to another party. `newer_schema`: a newer version of the code has migrated this database.
 */
export type StorageErrorCode =
  | "invalid_url"
  | "unreachable"
  | "outcome_unknown"
  | "busy"
  | "disk_full"
  | "read_only"
  | "damaged"
  | "unreadable_record"
  | "unique"
  | "reference"
  | "constraint"
  | "foreign_owner"
  | "newer_schema"
  | "aborted"
  | "closed";

/**
 * A typed failure of the storage. The message is a sentence for people and never holds a stored value or a credential, hence `loggable`;
 * the engine's own error, which may hold either, is only the `cause`.
 */
export class StorageError extends Error {
  readonly code: StorageErrorCode;
  readonly loggable = true;

  constructor(code: StorageErrorCode, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = "StorageError";
    this.code = code;
  }
}

/** On both engines a failed statement dooms its transaction, so that code that works on one works on the other. */
export function abortedTransaction(): StorageError {
  return new StorageError("aborted", "An earlier statement of this transaction failed, so nothing of it is kept.");
}
