/**
 * The required client scenarios that the host does not pass, in whichever revision they are required, each with its reason. One that passes must leave
 * the list.
 */
export const clientKnownFailures: Readonly<Record<string, string>> = {};
