import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseChallengeList } from "../src/www-authenticate.ts";

function read(text: string): unknown {
  return parseChallengeList(text, 20)?.map(({ scheme, token68, parameters }) => [scheme, token68 ?? Object.fromEntries(parameters)]);
}

describe("parseChallengeList", () => {
  it.each([
    ["", []],
    [" , ,", []],
    ["Bearer", [["bearer", {}]]],
    ["Bearer ", [["bearer", {}]]],
    [
      "Negotiate, Basic",
      [
        ["negotiate", {}],
        ["basic", {}],
      ],
    ],
    ['Bearer realm="a"', [["bearer", { realm: "a" }]]],
    ["Bearer realm=a", [["bearer", { realm: "a" }]]],
    ["Bearer realm = a , scope\t=\tb ", [["bearer", { realm: "a", scope: "b" }]]],
    ['Bearer realm="a, Basic realm=b"', [["bearer", { realm: "a, Basic realm=b" }]]],
    ['Bearer realm="say \\"hi\\" \\\\"', [["bearer", { realm: 'say "hi" \\' }]]],
    ['Bearer realm=""', [["bearer", { realm: "" }]]],
    ['Bearer REALM="a",,, Scope="b"', [["bearer", { realm: "a", scope: "b" }]]],
    [
      "Negotiate dG9rZW4==, Bearer scope=x",
      [
        ["negotiate", "dG9rZW4=="],
        ["bearer", { scope: "x" }],
      ],
    ],
    // RFC 9110 reads `name=` alone as a token68.
    ["Bearer realm=", [["bearer", "realm="]]],
    ["Negotiate abc ", [["negotiate", "abc"]]],
    [
      'Basic realm="a", Bearer scope="x", error="y", DPoP algs="ES256"',
      [
        ["basic", { realm: "a" }],
        ["bearer", { scope: "x", error: "y" }],
        ["dpop", { algs: "ES256" }],
      ],
    ],
    [
      'Bearer realm="a", Basic',
      [
        ["bearer", { realm: "a" }],
        ["basic", {}],
      ],
    ],
    ['Bearer realm="caf\u00e9"', [["bearer", { realm: "caf\u00e9" }]]],
  ])("reads %s", (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it.each([
    ["a value without a scheme", '="a"'],
    ["an open quote", 'Bearer realm="a'],
    ["a quote inside a token", 'Bearer realm=a"b"'],
    ["nested quotes", 'Bearer realm="a"b"c"'],
    ["a parameter without a value", "Bearer scope=a, realm="],
    ["a missing comma", 'Bearer realm="a" scope="b"'],
    ["a repeated parameter", 'Bearer scope="a", Scope="b"'],
    ["a repeated parameter at once", "Bearer scope=a, scope=b"],
    ["an escape at the end", 'Bearer realm="a\\'],
    ["a control character", 'Bearer realm="a\u0001"'],
    ["a newline", 'Bearer realm="a\r\nX: y"'],
    ["a tab for the space after the scheme", "Bearer\trealm=a"],
    ["an unquoted URL", "Bearer resource_metadata=https://a.example/x"],
    ["two token68 values", "Negotiate abc def"],
    ["text after a parameter list", 'Bearer realm="a" ;'],
    ["a letter beyond Latin-1", 'Bearer realm="\u0431"'],
    ["a broken later parameter", "Bearer realm=a, scope=@"],
    ["a scheme that is no token", "@"],
    ["a broken second challenge", "Basic, @"],
  ])("M21: refuses %s", (_, text) => {
    expect(parseChallengeList('Bearer realm="good"', 20)).toHaveLength(1);
    expect(parseChallengeList(text, 20)).toBeUndefined();
  });

  it("M21: refuses more challenges than allowed", () => {
    expect(parseChallengeList("A, B, C", 3)).toHaveLength(3);
    expect(parseChallengeList("A, B, C, D", 3)).toBeUndefined();
  });

  it("M21: never throws, whatever the text", () => {
    const pieces = fc.constantFrom("Bearer", " ", ",", "=", '"', "\\", "a", "realm", "\t", "==", "\u0000", "Basic");
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.array(pieces, { maxLength: 30 }).map((parts) => parts.join("")),
        ),
        (text) => {
          const challenges = parseChallengeList(text, 20);
          for (const challenge of challenges ?? []) expect(challenge.scheme).toBe(challenge.scheme.toLowerCase());
        },
      ),
      { numRuns: 1000 },
    );
  });
});
