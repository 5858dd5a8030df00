import { closeSync, existsSync, openSync } from "node:fs";
import { join } from "node:path";
import type { EpochMs } from "@countersign/protocol/brand";
import type { Secret } from "@countersign/protocol/secret";
import { type DataFolder, openDataFolder } from "@countersign/service/data-folder";
import { StartupProblem } from "@countersign/service/startup-problem";
import type { Database } from "@countersign/storage/database";
import { openDatabase } from "@countersign/storage/open";
import { reseal } from "@countersign/storage/reseal";
import { createRotatingSealer, type Sealer } from "@countersign/storage/sealed";
import { sql } from "kysely";
import { openSigningKeys } from "../keys.ts";
import { readDossier } from "../mandate/dossier.ts";
import { walletMigrations } from "../migrations.ts";
import { endRestored } from "./end-restored.ts";
import { createRestoreMark, type RestoreMark } from "./restore-mark.ts";
import { kindsUnderOtherKeys, sealedFieldsOf } from "./sealed-fields.ts";

/** What the commands need of the wallet's environment. */
export interface KeepConfig {
  readonly data: string;
  readonly databaseUrl: Secret | undefined;
  readonly sealingKey: Secret | undefined;
  readonly otherSealingKeys: readonly Secret[];
}

interface Opened {
  readonly database: Database<unknown>;
  readonly sealer: Sealer;
  readonly mark: RestoreMark;
  readonly now: () => EpochMs;
  readonly print: (text: string) => void;
}

const commands: Readonly<Record<string, (opened: Opened) => Promise<number>>> = {
  "rotate-signing-key": rotateSigningKey,
  "withdraw-signing-keys": withdrawSigningKeys,
  reseal: resealAll,
  restored: endRestoredNow,
};

const commandsOnOne: Readonly<Record<string, (opened: Opened, about: string) => Promise<number>>> = {
  backup: backUp,
  dossier: printDossier,
};

const usage = `Usage: node packages/wallet/src/main.ts [command]

Without a command it runs the wallet. Commands, with the same environment, while wallets run:
  rotate-signing-key      publish a new signing key now; it signs in an hour, and the old one stays published for a day after
  withdraw-signing-keys   a private key may be known to others: take all back, and sign with a new one at once
  add-key                 put a new sealing key before those in the key file of the data folder
  reseal                  seal everything anew under the current sealing key
  backup <file>           copy the embedded database to a new file; with PostgreSQL use pg_dump
  dossier <request>       print what is kept of one payment request, its mandate's claims and what proves the approval, as JSON
  restored                after a backup was put back: end every session, consent, token and open payment that it holds`;

/** The sealing keys that a wallet is given: those of the environment, else those of the key file. */
export function sealingKeys(config: KeepConfig, folder: DataFolder): { readonly sealingKey: Secret; readonly otherSealingKeys: readonly Secret[] } {
  if (config.sealingKey !== undefined) return { sealingKey: config.sealingKey, otherSealingKeys: config.otherSealingKeys };
  const [sealingKey, ...others] = folder.keys("wallet");
  return { sealingKey, otherSealingKeys: [...others, ...config.otherSealingKeys] };
}

/** The file of the mark by which a restored backup is recognized, beside the key file. */
export function markFileOf(folder: DataFolder): string {
  return join(folder.path, "wallet.mark");
}

/** Runs a command of the wallet's operator and gives its exit code. Throws `StartupProblem` and `StorageError`. */
export async function runCommand(
  args: readonly string[],
  config: () => KeepConfig,
  print: (text: string) => void,
  now: () => EpochMs = Date.now,
): Promise<number> {
  const [name = "", ...rest] = args;
  const [path] = rest;
  if (name === "add-key" && rest.length === 0) return addKey(config(), print);
  const simple = Object.hasOwn(commands, name) && rest.length === 0 ? commands[name] : undefined;
  const takesOne = rest.length === 1 && path !== undefined && Object.hasOwn(commandsOnOne, name) ? commandsOnOne[name] : undefined;
  const command = takesOne !== undefined && path !== undefined ? (opened: Opened) => takesOne(opened, path) : simple;
  if (command === undefined) {
    print(usage);
    return name === "--help" ? 0 : 2;
  }
  const { databaseUrl, data, ...keys } = config();
  const folder = openDataFolder(data);
  const { sealingKey, otherSealingKeys } = sealingKeys({ databaseUrl, data, ...keys }, folder);
  const url = databaseUrl ?? folder.databaseUrl("wallet");
  const database = await openDatabase<unknown>({ url, schema: "wallet", migrations: walletMigrations });
  try {
    const mark = createRestoreMark(database, markFileOf(folder));
    return await command({ database, sealer: createRotatingSealer(sealingKey, otherSealingKeys), mark, now, print });
  } finally {
    await database.close();
  }
}

function addKey(config: KeepConfig, print: (text: string) => void): number {
  if (config.sealingKey !== undefined) {
    throw new StartupProblem("The keys come from COUNTERSIGN_WALLET_SEALING_KEY and COUNTERSIGN_WALLET_SEALING_KEY_OTHERS; change them there.");
  }
  const folder = openDataFolder(config.data);
  folder.addKey("wallet");
  print(`${folder.path} holds ${folder.keys("wallet").length} keys of the wallet now. Restart the wallet, then run reseal.`);
  return 0;
}

async function printDossier({ database, sealer, now, print }: Opened, requestId: string): Promise<number> {
  const dossier = await readDossier(database, sealer, requestId, now());
  print(dossier === undefined ? "There is no such payment request." : JSON.stringify(dossier, null, 2));
  return dossier === undefined ? 1 : 0;
}

async function rotateSigningKey({ database, sealer, now, print }: Opened): Promise<number> {
  const { kid, signsFrom } = await (await openSigningKeys(database, sealer, now)).rotate();
  print(`The key ${kid} is published now and signs from ${new Date(signsFrom).toISOString()}.`);
  return 0;
}

async function withdrawSigningKeys({ database, sealer, now, print }: Opened): Promise<number> {
  const keys = await openSigningKeys(database, sealer, now);
  const taken = await keys.withdraw();
  print(`Taken back: ${taken.join(", ")}. The key ${keys.signing.kid} signs now. Verifiers may keep a copy of the old key set for some minutes.`);
  return 0;
}

async function resealAll({ database, sealer, now, print }: Opened): Promise<number> {
  const fields = await sealedFieldsOf(database);
  const done = await reseal({ database, sealer, fields, clock: now, report: (kind, id) => print(`No key opens ${kind} ${id}.`) });
  if (!done.ok) {
    print(
      `${done.error.length} running instances seal with another key: restart them with the new one, or wait until one that crashed is forgotten (150 s).`,
    );
    return 1;
  }
  const { resealed, current, unreadable } = done.value;
  print(`Sealed anew: ${resealed}. Under the current key already: ${current}. Opened by no key: ${unreadable}.`);
  const left = await kindsUnderOtherKeys(database, sealer.keyId);
  print(left.length === 0 ? "The other keys are no longer needed." : `Keep the other keys: they are still named in ${left.join(", ")}.`);
  return left.length === 0 ? 0 : 1;
}

/** The copy is one consistent snapshot. The mark grows right after it, so that the copy is known as one wherever it is put back beside this data folder. */
async function backUp({ database, mark, print }: Opened, path: string): Promise<number> {
  if (database.dialect !== "sqlite") throw new StartupProblem("A PostgreSQL database is backed up with pg_dump --schema=wallet.");
  if (existsSync(path)) throw new StartupProblem(`${path} is there already; a backup is never written over a file.`);
  closeSync(openSync(path, "wx", 0o600));
  await sql`vacuum into ${path}`.execute(database.sql);
  await mark.advance();
  print(`Copied to ${path}. Keep the key file of the data folder apart from it; both are needed to restore.`);
  return 0;
}

async function endRestoredNow({ database, sealer, mark, now, print }: Opened): Promise<number> {
  await endRestored(database, await openSigningKeys(database, sealer, now), now());
  await mark.advance();
  print("Every session, consent, token and open payment has ended, and a new key signs. People sign in with their passkeys again.");
  return 0;
}
