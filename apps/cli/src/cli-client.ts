/** The OAuth client that the wallet of `countersign up` knows the command line by. */
export const cliClientId = "countersign-cli";
