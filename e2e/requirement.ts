/** One promise of the product, with the tests that show it. */
export interface Requirement {
  readonly id: string;
  readonly rule: string;
  /** The text that asks for it, where one does. */
  readonly spec?: string;
  /** Test files from the root, each with a text that stands in the title of the test that shows it. */
  readonly shownBy: readonly { readonly file: string; readonly title: string }[];
}

/** A test of a scenario, by the name of its file and a text of its title. */
export const scenario = (name: string, title: string): Requirement["shownBy"][number] => ({ file: `e2e/scenarios/${name}.test.ts`, title });
