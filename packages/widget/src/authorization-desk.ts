import { type Authorization, withHostRung } from "./authorization.ts";
import { createTopic, type Topic } from "./topic.ts";

/** What the library itself shows while it waits for the user. The last word stays until the host says something else. */
export interface Turn {
  show(authorization: Authorization): void;
  end(authorization: Authorization): void;
}

/** One place for what the app is told about authorization: the host's word, unless the library is waiting for the user itself. */
export interface AuthorizationDesk {
  readonly shown: Topic<Authorization>;
  begin(): Turn;
}

/** Puts the desk in front of the host's word. */
export function openDesk(host: Topic<Authorization>): AuthorizationDesk {
  const shown = createTopic<Authorization>();
  /** What each open turn shows, the newest last. */
  const turns = new Map<Turn, Authorization | undefined>();
  host.subscribe((told) => {
    if (turns.size === 0) {
      shown.publish(withHostRung(told));
    }
  });
  const say = (authorization: Authorization): void => {
    const connection = host.latest?.connection;
    shown.publish(connection === undefined ? authorization : { ...authorization, connection });
  };
  return {
    shown,
    begin() {
      const turn: Turn = {
        show(authorization) {
          turns.set(turn, authorization);
          say(authorization);
        },
        end(authorization) {
          turns.delete(turn);
          say(authorization);
          // The user can still act on what waits beside it.
          const still = [...turns.values()].at(-1);
          if (still !== undefined) {
            say(still);
          }
        },
      };
      turns.set(turn, undefined);
      return turn;
    },
  };
}
