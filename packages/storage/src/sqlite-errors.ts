import { StorageError } from "./storage-error.ts";

// Result codes of SQLite (sqlite.org/rescode.html); the low byte is the primary code.
const busy = 5;
const locked = 6;
const readOnly = 8;
const ioError = 10;
const corrupt = 11;
const full = 13;
const cantOpen = 14;
const constraint = 19;
const notADatabase = 26;
const constraintCheck = 275;
const constraintForeignKey = 787;
const constraintNotNull = 1299;
const constraintPrimaryKey = 1555;
const constraintUnique = 2067;

/** Whether another connection holds the lock, so that the same statement may succeed later. */
export function isBusy(error: unknown): boolean {
  const code = resultCode(error);
  return code !== undefined && ((code & 255) === busy || (code & 255) === locked);
}

/** Turns an error of `node:sqlite` or of the file system into a {@link StorageError}; other errors stay as they are. */
export function translateSqliteError(error: unknown): unknown {
  const code = resultCode(error);
  if (code !== undefined) return fromResultCode(code, error);
  return fromFileError(error);
}

function resultCode(error: unknown): number | undefined {
  if (!(error instanceof Error) || !("errcode" in error)) return undefined;
  return typeof error.errcode === "number" ? error.errcode : undefined;
}

function fromResultCode(code: number, cause: unknown): unknown {
  if (code === constraintUnique || code === constraintPrimaryKey)
    return new StorageError("unique", "A row with the same unique value exists.", cause);
  if (code === constraintForeignKey) return new StorageError("reference", "The row refers to one that does not exist, or is referred to.", cause);
  if (code === constraintCheck || code === constraintNotNull) return new StorageError("constraint", "The row breaks a rule of its table.", cause);
  switch (code & 255) {
    case busy:
    case locked:
      return new StorageError("busy", "The database file is held by another writer.", cause);
    case readOnly:
      return new StorageError("read_only", "The database file cannot be written.", cause);
    case full:
      return new StorageError("disk_full", "The disk is full.", cause);
    case cantOpen:
      return new StorageError("unreachable", "The database file cannot be opened.", cause);
    case ioError:
    case corrupt:
    case notADatabase:
      return new StorageError("damaged", "The database file is damaged, or is not a database.", cause);
    case constraint:
      return new StorageError("constraint", "The row breaks a rule of its table.", cause);
    default:
      return cause;
  }
}

function fromFileError(cause: unknown): unknown {
  if (!(cause instanceof Error) || !("code" in cause)) return cause;
  switch (cause.code) {
    case "EROFS":
    case "EACCES":
    case "EPERM":
      return new StorageError("read_only", "The database file cannot be written.", cause);
    case "ENOSPC":
    case "EDQUOT":
      return new StorageError("disk_full", "The disk is full.", cause);
    case "ENOENT":
    case "ENOTDIR":
    case "EISDIR":
      return new StorageError("unreachable", "The database file cannot be opened; does its folder exist?", cause);
    default:
      return cause;
  }
}
