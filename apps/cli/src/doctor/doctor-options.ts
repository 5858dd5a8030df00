import { parseArgs } from "node:util";
import { profileNames, readProfile } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import { isLoopbackUrl, parseResourceUri } from "@countersign/protocol/resource";
import { everybodys } from "../command/everybodys.ts";

export interface DoctorOptions {
  /** The server's address in canonical form. */
  readonly address: string;
  readonly json: boolean;
  readonly hosts: readonly HostProfile[];
  /** Whether all that is behind the cells is printed too. */
  readonly details: boolean;
  readonly reach: "public" | "local";
  readonly consent: "read_only" | "never";
  /** Whether clients may be registered at the authorization server for a try. */
  readonly register: boolean;
}

export const doctorHelp: string = `Usage: npm run doctor -- <address> [options]

Looks at any MCP server, without signing in, and says how it fares in each host: what works, what falls back to another way,
what is dead, why, and what to change.

  --host <name>     only this host, with all the reasons; may be given several times
                    (${profileNames.join(", ")})
  --details         all reasons for all hosts
  --json            what was seen and what follows from it, for scripts
  --no-call         call no tool; else one that demands sign-in and only reads is called without a token
  --register        register clients at the authorization server (RFC 7591), six of them, to see which redirect addresses it
                    takes, and delete them again where it lets that be done (RFC 7592); without it nobody is registered
  --allow-private   let the server, or what it names, be in a private network; an address of this machine needs no leave
${everybodys}
Exit codes: 0 everything works or falls back, 1 something is dead, 2 wrong usage, 3 the server cannot be reached.
`;

/** Reads the words after `doctor`; the sentence says what is wrong with them. Throws what Node's parser does. */
export function parseDoctor(words: readonly string[]): DoctorOptions | string {
  const { values, positionals } = parseArgs({
    args: [...words],
    options: {
      host: { type: "string", multiple: true },
      details: { type: "boolean" },
      json: { type: "boolean" },
      "no-call": { type: "boolean" },
      register: { type: "boolean" },
      "allow-private": { type: "boolean" },
    },
    allowPositionals: true,
  });
  const [address, ...more] = positionals;
  if (address === undefined || more.length > 0) return "doctor takes the address of one server. Run `npm run doctor -- --help`.";
  const resource = parseResourceUri(address);
  if (!resource.ok) return "the address is not an http(s) URL, or has credentials or a fragment.";
  const names = values.host ?? [];
  const hosts = names.flatMap((name) => readProfile(name) ?? []);
  if (hosts.length !== names.length) return `--host is one of ${profileNames.join(", ")}.`;
  const isLocal = values["allow-private"] === true || isLoopbackUrl(new URL(resource.value));
  return {
    address: resource.value,
    json: values.json === true,
    hosts: hosts.length === 0 ? profileNames : profileNames.filter((host) => hosts.includes(host)),
    details: values.details === true || hosts.length > 0,
    reach: isLocal ? "local" : "public",
    consent: values["no-call"] === true ? "never" : "read_only",
    register: values.register === true,
  };
}
