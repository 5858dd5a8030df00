import type { ServerObservation } from "./server-observation.ts";

/** Where the challenges that were seen say that the protected resource metadata is (RFC 9728 section 5.1). Hosts look there before the well-known places. */
export function pointersOf({ eras, tools, protectedCall, badToken }: ServerObservation): ReadonlySet<string> {
  const challenges = [
    ...Object.values(eras).flatMap((era) => (era.seen === "challenged" ? [era.challenge] : [])),
    ...(tools.seen === "challenged" ? [tools.challenge] : []),
    ...(protectedCall.seen === "http" ? [protectedCall.challenge] : []),
    ...(badToken.seen === "challenged" ? [badToken.challenge] : []),
  ];
  return new Set(challenges.flatMap(({ resourceMetadata }) => resourceMetadata ?? []));
}
