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
  let turns = 0;
  host.subscribe((told) => {
    if (turns === 0) {
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
      turns += 1;
      return {
        show: say,
        end(authorization) {
          turns -= 1;
          say(authorization);
        },
      };
    },
  };
}
