/** Which user each session of a server belongs to. */
export interface SessionOwners {
  /** Keeps a session that the server has just begun. */
  begin(session: string, subject: string | undefined): void;
  /** True when this caller may use the session. The first user who signs in within a session owns it from then on. */
  admit(session: string, subject: string | undefined): boolean;
  end(session: string): void;
}

const sessionsMax = 10_000;
const nobody: unique symbol = Symbol("nobody yet");

/**
 * Sessions as this process has seen them begin; any other is unknown. At most 10,000 are kept, the longest unused go first: their clients begin a
 * new one, as the specification has them do on 404.
 */
export function createSessionOwners(countMax: number = sessionsMax): SessionOwners {
  const owners = new Map<string, string | typeof nobody>();
  const keep = (session: string, owner: string | typeof nobody): void => {
    owners.delete(session);
    const oldest = owners.size >= countMax ? owners.keys().next().value : undefined;
    if (oldest !== undefined) owners.delete(oldest);
    owners.set(session, owner);
  };
  return {
    begin: (session, subject) => keep(session, subject ?? nobody),
    admit(session, subject) {
      const owner = owners.get(session);
      if (owner === undefined || (owner !== nobody && owner !== subject)) return false;
      keep(session, subject ?? nobody);
      return true;
    },
    end: (session) => void owners.delete(session),
  };
}
