import { describe, expect, it } from "vitest";
import { isCollision, isConnectionLost, translatePostgresError } from "../src/postgres-errors.ts";
import { isBusy, translateSqliteError } from "../src/sqlite-errors.ts";
import { StorageError } from "../src/storage-error.ts";

const withFields = (message: string, fields: object): Error => Object.assign(new Error(message), fields);

describe("an error of SQLite", () => {
  it.each([
    ["SQLITE_BUSY", 5, "busy"],
    ["SQLITE_BUSY_SNAPSHOT", 517, "busy"],
    ["SQLITE_LOCKED_SHAREDCACHE", 262, "busy"],
    ["SQLITE_READONLY_DBMOVED", 1032, "read_only"],
    ["SQLITE_IOERR_FSYNC", 1034, "damaged"],
    ["SQLITE_CORRUPT", 11, "damaged"],
    ["SQLITE_FULL", 13, "disk_full"],
    ["SQLITE_CANTOPEN", 14, "unreachable"],
    ["SQLITE_NOTADB", 26, "damaged"],
    ["SQLITE_CONSTRAINT_UNIQUE", 2067, "unique"],
    ["SQLITE_CONSTRAINT_PRIMARYKEY", 1555, "unique"],
    ["SQLITE_CONSTRAINT_FOREIGNKEY", 787, "reference"],
    ["SQLITE_CONSTRAINT_CHECK", 275, "constraint"],
    ["SQLITE_CONSTRAINT_NOTNULL", 1299, "constraint"],
    ["SQLITE_CONSTRAINT_TRIGGER", 1811, "constraint"],
  ])("%s becomes typed, without the engine's text (X03)", (_name, errcode, code) => {
    const cause = withFields("canary: a stored value", { errcode });
    const translated = translateSqliteError(cause);
    expect(translated).toMatchObject({ name: "StorageError", code, cause });
    expect(translated).toSatisfy((error: Error) => !error.message.includes("canary"));
    expect(isBusy(cause)).toBe(code === "busy");
  });

  it.each([
    ["EACCES", "read_only"],
    ["EROFS", "read_only"],
    ["ENOSPC", "disk_full"],
    ["ENOENT", "unreachable"],
    ["EISDIR", "unreachable"],
  ])("of the file system, %s, becomes typed", (code, expected) => {
    expect(translateSqliteError(withFields("open", { code }))).toMatchObject({ name: "StorageError", code: expected });
  });

  it("that is a programmer's error stays what it is", () => {
    const error = withFields("no such table: x", { errcode: 1 });
    expect(translateSqliteError(error)).toBe(error);
    expect(translateSqliteError("text")).toBe("text");
  });
});

describe("an error of PostgreSQL", () => {
  it.each([
    ["23505", "unique"],
    ["23503", "reference"],
    ["23502", "constraint"],
    ["23514", "constraint"],
    ["25P02", "aborted"],
    ["25006", "read_only"],
    ["40001", "busy"],
    ["40P01", "busy"],
    ["53100", "disk_full"],
    ["53300", "unreachable"],
    ["55P03", "busy"],
    ["57014", "busy"],
    ["57P03", "unreachable"],
    ["28P01", "unreachable"],
    ["ECONNREFUSED", "unreachable"],
    ["ENOTFOUND", "unreachable"],
  ])("%s becomes typed, without the server's text (X03)", (sqlstate, code) => {
    const cause = withFields("canary: a stored value", { code: sqlstate });
    const translated = translatePostgresError(cause, "db:5432");
    expect(translated).toMatchObject({ name: "StorageError", code });
    expect(translated).toSatisfy((error: Error) => !error.message.includes("canary"));
  });

  it("counts as a collision only when repeating can help, also through its translation", () => {
    for (const code of ["40001", "40P01"]) {
      expect(isCollision(withFields("", { code }))).toBe(true);
      expect(isCollision(translatePostgresError(withFields("", { code })))).toBe(true);
    }
    for (const code of ["23505", "57014", "55P03", "ECONNRESET"]) expect(isCollision(translatePostgresError(withFields("", { code })))).toBe(false);
  });

  it("counts as a broken connection when the statement may have run", () => {
    for (const error of [
      withFields("", { code: "57P01" }),
      withFields("", { code: "ECONNRESET" }),
      new Error("Connection terminated unexpectedly"),
    ]) {
      expect(isConnectionLost(error)).toBe(true);
    }
    for (const error of [withFields("", { code: "23505" }), withFields("", { code: "57014" }), new Error("bind message has 3 parameters")]) {
      expect(isConnectionLost(error)).toBe(false);
    }
  });

  it("that is typed already, or is a programmer's error, stays what it is", () => {
    const typed = new StorageError("closed", "The database is closed.");
    expect(translatePostgresError(typed)).toBe(typed);
    const syntax = withFields("syntax error", { code: "42601" });
    expect(translatePostgresError(syntax)).toBe(syntax);
  });
});
