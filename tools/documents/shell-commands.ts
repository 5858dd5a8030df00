/**
 * The commands of a shell block, one text each: without comments and the `&` at the end, lines that go on joined, what stands in quotes, brackets or a here-document kept whole. Commands that
 * follow each other by `&&` stay one, because the second depends on the first.
 */
export function shellCommands(block: string): readonly string[] {
  const commands: string[] = [];
  let rest = block.replaceAll("\\\n", " ");
  while (rest.trim() !== "") {
    const end = endOfCommand(rest);
    const command = rest.slice(0, end).trim().replace(/ &$/, "");
    if (command !== "") commands.push(command.replaceAll(/ {2,}/g, " "));
    rest = rest
      .slice(end)
      .replace(/^ *#[^\n]*/, "")
      .replace(/^\n/, "");
  }
  return commands;
}

/** Where the first command ends: at a line's end or a comment, outside of quotes, brackets and a here-document. */
function endOfCommand(text: string): number {
  const here = /^[^\n]*<<'(\w+)'\n[\s\S]*?\n\1(?=\n|$)/.exec(text);
  if (here !== null) return here[0].length;
  let quote = "";
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const character = text.charAt(at);
    if (quote !== "") {
      if (character === quote) quote = "";
    } else if (character === "'" || character === '"') quote = character;
    else if ("({".includes(character)) depth += 1;
    else if (")}".includes(character)) depth -= 1;
    else if (depth === 0 && (character === "\n" || (character === "#" && /(^|\s)$/.test(text.slice(0, at))))) return at;
  }
  return text.length;
}
