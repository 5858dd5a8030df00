/** Letters of other scripts, and digits, that look like Latin ones. */
const lookAlikes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: "аαɑ４4@",
    b: "ЬƄ8",
    c: "сϲⅽ",
    d: "ԁⅾ",
    e: "еєε3",
    g: "ɡց9",
    h: "һհ",
    i: "іιıӏ1|!ⅼl",
    j: "јϳ",
    k: "кκ",
    m: "мⅿ",
    n: "пη",
    o: "оοօ0",
    p: "рρ",
    q: "ԛ",
    r: "гг",
    s: "ѕʂ5$",
    t: "тτ7",
    u: "υսц",
    v: "ѵν",
    w: "ԝωш",
    x: "хχ",
    y: "уүγ",
    z: "ᴢ2",
  }).flatMap(([latin, others]) => Array.from(others, (other) => [other, latin] as const)),
);

const scripts: readonly RegExp[] = [/\p{Script=Latin}/u, /\p{Script=Cyrillic}/u, /\p{Script=Greek}/u, /\p{Script=Armenian}/u, /\p{Script=Cherokee}/u];
const reservedLengthMin = 4;

/**
 * Says whether a name that somebody gave themselves passes for one of the reserved ones: it holds one, as far as a person reads it (marks, blanks and signs left out, letters
 * that look alike taken as one), or mixes scripts whose letters look alike. Names shorter than four letters are never reserved.
 */
export function passesForAnother(name: string, reserved: readonly string[]): boolean {
  if (scripts.filter((script) => script.test(name)).length > 1) return true;
  const read = asRead(name);
  return reserved.some((each) => {
    const word = asRead(each);
    return word.length >= reservedLengthMin && read.includes(word);
  });
}

function asRead(name: string): string {
  const letters = Array.from(name.normalize("NFKD").toLowerCase()).filter((each) => !/[\p{M}\p{C}\s]/u.test(each));
  return letters
    .map((each) => lookAlikes.get(each) ?? each)
    .filter((each) => /[\p{L}\p{N}]/u.test(each))
    .join("");
}
