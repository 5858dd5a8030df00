import type { ErrorCode } from "@countersign/protocol/errors";

/** How a command can end, and the exit code that says so. docs/guides/cli.md has them as a table. */
export type Ending = "done" | "failed" | "usage" | "unreachable" | "person" | "unknown" | "fault" | "interrupted";

export const exitCodes: Readonly<Record<Ending, number>> = {
  done: 0,
  /** The tool, the server or a check said no, or this machine: no port, no place to write. */
  failed: 1,
  /** The command line or a setting is wrong; nothing was done. */
  usage: 2,
  /** Nobody answered at the address. */
  unreachable: 3,
  /** It takes a person, who said no, did not come in time, or could not be asked. */
  person: 4,
  /** The call may have run: look at the server before it is made again. */
  unknown: 5,
  /** A fault of this program. */
  fault: 70,
  interrupted: 130,
};

const endings: Readonly<Partial<Record<ErrorCode, Ending>>> = {
  server_unreachable: "unreachable",
  authorization_server_unreachable: "unreachable",
  authorization_required: "person",
  access_denied: "person",
  cancelled: "person",
  flow_expired: "person",
  outcome_unknown: "unknown",
  internal_error: "fault",
};

/** How a command ends that was refused with this code of the catalogue. */
export function endingOf(code: ErrorCode): Ending {
  return endings[code] ?? "failed";
}
