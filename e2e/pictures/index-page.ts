import { dresses, fileOf, type Party, type PictureState, pictureStates } from "./states.ts";

/** Where the pictures lie, from the root of the repository. */
export const pictureFolder = "docs/images/states";
/** All pictures together, in bytes. */
export const pictureBytesMax = 8_000_000;

const parties: readonly Party[] = ["Console", "Wallet", "Bank", "Shop"];

/** The page that shows every state in its four dresses. */
export function indexPage(): string {
  const sections = parties.map((party) => {
    const shown = pictureStates.filter((state) => state.party === party).map(showState);
    return `## ${party}\n\n${shown.join("\n")}`;
  });
  return `# Every state of every page

Made by \`npm run pictures\`: the browser tests walk to each state, hold it against WCAG A and AA, and keep a picture of it, light and dark, on a desktop and on a phone. ${pictureStates.length} states, ${pictureStates.length * dresses.length} pictures.

${sections.join("\n")}`;
}

function showState({ party, name, title }: PictureState): string {
  const pictures = dresses.map(([scheme, screen]) => {
    const width = screen === "desktop" ? 360 : 160;
    const file = fileOf(name, scheme, screen);
    return `<a href="images/states/${file}"><img src="images/states/${file}" width="${width}" alt="${party}: ${title} (${scheme}, ${screen})"></a>`;
  });
  return `### ${party}: ${title}\n\n${pictures.join("\n")}\n`;
}
