const elicitation = "the host offers servers no forms for the user to fill in";

/**
 * The required client scenarios that the host does not pass, in whichever revision they are required, each with its reason. One that passes must leave
 * the list.
 */
export const clientKnownFailures: Readonly<Record<string, string>> = {
  "elicitation-sep1034-client-defaults": elicitation,
  "sep-2322-client-request-state": elicitation,
};
