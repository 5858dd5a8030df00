/** The options that every command has, as help shows them. */
export const everybodys: string = `  --debug          with an unexpected failure, show where in the program it happened
  --help           this text
`;
