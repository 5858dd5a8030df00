import { readFileSync } from "node:fs";
import { join } from "node:path";
import { freePorts } from "./command.ts";

const root = join(import.meta.dirname, "../..");

/** The shell blocks of a document, in their order. */
export function shellBlocks(path: string): readonly string[] {
  return [...readFileSync(join(root, path), "utf8").matchAll(/```sh\n([\s\S]*?)```/g)].map((match) => match[1] ?? "");
}

/** Free ports in place of the usual ones. */
export interface OtherPorts {
  /** The variables that tell the local parties. */
  readonly env: Readonly<Record<string, string>>;
  /** Where a party listens. */
  urlOf(party: "host" | "wallet" | "store" | "bank"): string;
  /** A text of a document with each usual address moved. */
  move(text: string): string;
}

const usual = { HOST: 4100, WIDGET: 4101, WALLET: 4200, STORE: 4300, BANK: 4400 } as const;

/** Chooses ports, so that what a document says about the usual ones can be tried beside anything else that runs. */
export async function chooseOtherPorts(): Promise<OtherPorts> {
  const names = ["HOST", "WIDGET", "WALLET", "STORE", "BANK"] as const;
  const free = await freePorts(names.length);
  const chosen = new Map(names.map((name, at) => [name, free[at] ?? 0]));
  return {
    env: Object.fromEntries([...chosen].map(([name, port]) => [`COUNTERSIGN_${name}_PORT`, String(port)])),
    urlOf: (party) => {
      const port =
        party === "host"
          ? chosen.get("HOST")
          : party === "wallet"
            ? chosen.get("WALLET")
            : party === "store"
              ? chosen.get("STORE")
              : chosen.get("BANK");
      return `http://${party === "wallet" ? "localhost" : "127.0.0.1"}:${port ?? 0}`;
    },
    move: (text) => names.reduce((moved, name) => moved.replaceAll(`:${usual[name]}`, `:${chosen.get(name) ?? 0}`), text),
  };
}
