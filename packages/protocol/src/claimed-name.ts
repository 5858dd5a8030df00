/** Letters of other scripts, small capitals, crossed letters, and digits, that look like Latin ones. */
const lookAlikes: ReadonlyMap<string, string> = new Map(
  Object.entries({
    a: "аαɑᴀ４4@",
    b: "ЬƄʙ8",
    c: "сϲⅽᴄ",
    d: "ԁⅾᴅđ",
    e: "еєεᴇ3",
    f: "ꜰ",
    g: "ɡցɢ9",
    h: "һհʜħ",
    i: "іιıӏɪʟł1|!ⅼl",
    j: "јϳᴊ",
    k: "кκᴋ",
    m: "мⅿᴍ",
    n: "пηɴ",
    o: "оοօᴏø0",
    p: "рρᴘ",
    q: "ԛꞯ",
    r: "гʀ",
    s: "ѕʂꜱ5$",
    t: "тτᴛŧ7",
    u: "υսцᴜ",
    v: "ѵνᴠ",
    w: "ԝωшᴡ",
    x: "хχ",
    y: "уүγʏ",
    z: "ᴢ2",
  }).flatMap(([latin, others]) => Array.from(others, (other) => [other, latin] as const)),
);

/** Alphabets of signs, from A to Z, that Unicode's compatibility forms leave alone: in circles, in squares, and those that flags are made of. */
const signAlphabets: readonly number[] = [0x1f150, 0x1f170, 0x1f1e6];
/** Letters without a shape, which a page leaves out. */
const shapeless: ReadonlySet<string> = new Set(["\u115f", "\u1160", "\u3164", "\uffa0"]);

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
  const letters = Array.from(name.normalize("NFKD").toLowerCase()).filter((each) => !/[\p{M}\p{C}\s]/u.test(each) && !shapeless.has(each));
  return letters
    .map((each) => lookAlikes.get(each) ?? letterOfSign(each) ?? each)
    .filter((each) => /[\p{L}\p{N}]/u.test(each))
    .join("")
    .replaceAll("vv", "w")
    .replaceAll("rn", "m");
}

function letterOfSign(sign: string): string | undefined {
  const point = sign.codePointAt(0) ?? 0;
  const start = signAlphabets.find((each) => point >= each && point < each + 26);
  if (start === undefined) return undefined;
  const letter = String.fromCharCode("a".charCodeAt(0) + point - start);
  return lookAlikes.get(letter) ?? letter;
}
