import type { ConfigCommand } from "../command.ts";
import { didYouMean } from "../command/nearest.ts";
import type { Ending } from "../exit-codes.ts";
import type { Terminal } from "../terminal.ts";
import { safeJson } from "../terminal-text.ts";
import { readSettings, settingsText } from "./describe-settings.ts";
import { partyNames } from "./parties.ts";

/** `countersign config`: prints settings; ends with `usage` when there is no such party or a value is not valid. */
export function printSettings({ party, json }: ConfigCommand, env: Readonly<Record<string, string | undefined>>, terminal: Terminal): Ending {
  const chosen = partyNames.filter((name) => party === undefined || name === party);
  if (chosen.length === 0) {
    terminal.tell(
      `countersign: there is no party “${party?.slice(0, 80) ?? ""}”.${didYouMean(party ?? "", partyNames)} There are ${partyNames.join(", ")}.\n`,
    );
    return "usage";
  }
  const all = chosen.map((name) => readSettings(name, env));
  terminal.print(json ? `${safeJson({ parties: all })}\n` : settingsText(all));
  return all.some(({ settings }) => settings.some(({ problem }) => problem !== undefined)) ? "usage" : "done";
}
