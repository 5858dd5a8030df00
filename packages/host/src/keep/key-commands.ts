import type { Secret } from "@countersign/protocol/secret";
import { openDataFolder, type DataFolder } from "@countersign/service/data-folder";
import { StartupProblem } from "@countersign/service/startup-problem";
import { openDatabase } from "@countersign/storage/open";
import { reseal } from "@countersign/storage/reseal";
import { createSealer, keyRing } from "@countersign/storage/sealed";
import type { HostConfig } from "../config.ts";
import { sealedFields } from "./sealed-fields.ts";

type KeyConfig = Pick<HostConfig, "data" | "databaseUrl" | "sealingKey" | "otherSealingKeys">;

const usage = `Usage: node packages/host/src/main.ts [command]

Without a command it runs the host. Commands, with the same environment:
  add-key   put a new sealing key before those in the key file of the data folder
  reseal    seal everything anew under the current key, while hosts run`;

/** The keys that a host is given: those of the environment, else those of the key file. */
export function sealingKeys(config: KeyConfig, folder: DataFolder): { readonly sealingKey: Secret; readonly otherSealingKeys: readonly Secret[] } {
  if (config.sealingKey !== undefined) return { sealingKey: config.sealingKey, otherSealingKeys: config.otherSealingKeys };
  const [sealingKey, ...others] = folder.keys("host");
  return { sealingKey, otherSealingKeys: [...others, ...config.otherSealingKeys] };
}

/** Runs a command of the host's operator and gives its exit code. Throws `StartupProblem` and `StorageError`. */
export async function runKeyCommand(args: readonly string[], config: () => KeyConfig, print: (text: string) => void): Promise<number> {
  if (args.length === 1 && args[0] === "add-key") return addKey(config(), print);
  if (args.length === 1 && args[0] === "reseal") return resealAll(config(), print);
  print(usage);
  return args[0] === "--help" ? 0 : 2;
}

function addKey(config: KeyConfig, print: (text: string) => void): number {
  if (config.sealingKey !== undefined) throw new StartupProblem("The keys come from COUNTERSIGN_KEY and COUNTERSIGN_KEY_OTHERS; change them there.");
  const folder = openDataFolder(config.data);
  folder.addKey("host");
  print(`${folder.path} holds ${folder.keys("host").length} keys of the host now. Restart the host, then run reseal.`);
  return 0;
}

async function resealAll(config: KeyConfig, print: (text: string) => void): Promise<number> {
  const folder = openDataFolder(config.data);
  const { sealingKey, otherSealingKeys } = sealingKeys(config, folder);
  const database = await openDatabase<unknown>({ url: config.databaseUrl ?? folder.databaseUrl("host"), schema: "host", migrations: [] });
  try {
    const sealer = createSealer(keyRing(sealingKey, otherSealingKeys));
    const done = await reseal({
      database,
      sealer,
      fields: sealedFields,
      clock: Date.now,
      report: (kind, id) => print(`No key opens ${kind} ${id}.`),
    });
    if (!done.ok) {
      print(
        `${done.error.length} running instances seal with another key: restart them with the new one, or wait until one that crashed is forgotten (150 s).`,
      );
      return 1;
    }
    const { resealed, current, unreadable } = done.value;
    print(
      `Sealed anew: ${resealed}. Under the current key already: ${current}. Opened by no key: ${unreadable}. The other keys are no longer needed.`,
    );
    return 0;
  } finally {
    await database.close();
  }
}
