import { abortedTransaction, StorageError } from "./storage-error.ts";

// SQLSTATE values, PostgreSQL manual appendix A.
const serializationFailure = "40001";
const deadlockDetected = "40P01";

/** Whether a statement failed only because of another transaction. */
export function isCollision(error: unknown): boolean {
  const code = errorCode(error instanceof StorageError ? error.cause : error);
  return code === serializationFailure || code === deadlockDetected;
}

/** Whether the connection broke while a statement ran, so that its outcome is not known. */
export function isConnectionLost(error: unknown): boolean {
  const code = errorCode(error);
  if (code !== undefined) return code.startsWith("57P") || code.startsWith("08") || /^(ECONNRESET|EPIPE|ETIMEDOUT|ECONNABORTED)$/.test(code);
  return error instanceof Error && /connection terminated|not queryable|connection error|client was closed/i.test(error.message);
}

/** Turns an error of `pg` into a {@link StorageError}; errors that are not the server's or the network's stay as they are. */
export function translatePostgresError(error: unknown, address?: string): unknown {
  if (error instanceof StorageError) return error;
  const code = errorCode(error);
  switch (code) {
    case "23505":
      return new StorageError("unique", "A row with the same unique value exists.", error);
    case "23503":
      return new StorageError("reference", "The row refers to one that does not exist, or is referred to.", error);
    case "23502":
    case "23514":
    case "23P01":
      return new StorageError("constraint", "The row breaks a rule of its table.", error);
    case "25P02":
      return abortedTransaction();
    case "53100":
      return new StorageError("disk_full", "The database server's disk is full.", error);
    case "25006":
      return new StorageError("read_only", "The database server accepts no writes.", error);
    case "55P03":
    case "57014":
    case serializationFailure:
    case deadlockDetected:
      return new StorageError("busy", "The database was held by others for too long.", error);
    case undefined:
    default:
      return isUnreachable(code, error) ? new StorageError("unreachable", unreachableSentence(code, address), error) : error;
  }
}

function isUnreachable(code: string | undefined, error: unknown): boolean {
  if (code !== undefined) return /^(E[A-Z_]+|08...|57P..|28...|3D000|53300)$/.test(code);
  return error instanceof Error && /timeout|terminated|connect/i.test(error.message);
}

function unreachableSentence(code: string | undefined, address: string | undefined): string {
  const server = address === undefined ? "The PostgreSQL server" : `The PostgreSQL server at ${address}`;
  if (code === "28P01" || code === "28000") return `${server} refuses the user or the password.`;
  if (code === "3D000") return `${server} has no such database.`;
  if (code === "53300") return `${server} has no connection left.`;
  return `${server} does not answer.`;
}

function errorCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || !("code" in error)) return undefined;
  return typeof error.code === "string" ? error.code : undefined;
}
