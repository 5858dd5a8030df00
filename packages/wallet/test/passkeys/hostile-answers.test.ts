import { randomBytes } from "node:crypto";
import { describe, expect, test } from "vitest";
import { parseAssertion, parseRegistration } from "../../src/passkeys/answer.ts";
import { verifyAssertion, verifyRegistration } from "../../src/passkeys/relying-party.ts";
import { Authenticator } from "../peers/authenticator.ts";

const party = { id: "localhost", name: "Countersign Wallet", origin: "http://localhost:4200" };
const challenge = randomBytes(32).toString("base64url");

/** A good registration, as JSON that a browser sends. */
function goodRegistration() {
  const authenticator = new Authenticator(party.origin);
  const credential = authenticator.create({ challenge, rp: { id: party.id }, user: { id: Buffer.from("usr_a").toString("base64url") } });
  return { authenticator, credential };
}

/** Reads and verifies as the wallet does. A throw fails the test that calls it. */
async function judge(input: unknown) {
  const parsed = parseRegistration(input);
  return parsed.ok ? verifyRegistration(party, parsed.value.credential, challenge) : parsed;
}

function withAttestation(credential: ReturnType<typeof goodRegistration>["credential"], bytes: Uint8Array): unknown {
  return { ...credential, response: { ...credential.response, attestationObject: Buffer.from(bytes).toString("base64url") } };
}

/** Numbers that look random and are the same in every run. */
function* numbers(seed: number): Generator<number, never> {
  for (let state = seed; ; ) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state >>> 8;
  }
}

/** One small harm: a flipped bit, another byte, a cut, bytes in between, bytes behind, a part doubled. */
function harm(bytes: Buffer, next: () => number): Buffer {
  const at = next() % bytes.length;
  const copy = Buffer.from(bytes);
  switch (next() % 6) {
    case 0:
      copy[at] = (copy[at] ?? 0) ^ (1 << (next() % 8));
      return copy;
    case 1:
      copy[at] = next() % 256;
      return copy;
    case 2:
      return copy.subarray(0, at);
    case 3:
      return Buffer.concat([copy.subarray(0, at), Buffer.from([next() % 256, next() % 256]), copy.subarray(at)]);
    case 4:
      return Buffer.concat([copy, Buffer.alloc(1 + (next() % 64), next() % 256)]);
    default:
      return Buffer.concat([copy.subarray(0, at), copy]);
  }
}

describe("10,000 harmed registrations", () => {
  test("W11 are each refused by a value, or say nothing else than the good one about origin, presence and credential", async () => {
    const { credential } = goodRegistration();
    expect(await judge(credential)).toMatchObject({ ok: true, value: { credentialId: credential.id } });
    const good = Buffer.from(credential.response.attestationObject, "base64url");
    const source = numbers(11);
    const next = (): number => source.next().value;
    const codes = new Map<string, number>();
    for (let round = 0; round < 10_000; round += 1) {
      let bytes = harm(good, next);
      while (next() % 3 === 0 && bytes.length > 0) bytes = harm(bytes, next);
      const outcome = await judge(withAttestation(credential, bytes));
      const code = outcome.ok ? "accepted" : outcome.error.code;
      codes.set(code, (codes.get(code) ?? 0) + 1);
      const named = outcome.ok ? outcome.value.credentialId : credential.id;
      expect(named).toBe(credential.id);
    }
    // What nothing signs (the model of the authenticator, its first count, the key itself) may differ and harms only whoever sent it.
    expect([...codes.keys()].sort()).toEqual(["accepted", "invalid_request", "passkey_refused"]);
    expect(codes.get("passkey_refused")).toBeGreaterThan(5_000);
  });

  test("W11 and 5,000 harmed sign-ins are refused, every one whose signed data changed", async () => {
    const { authenticator, credential } = goodRegistration();
    const made = await judge(credential);
    if (!made.ok) throw new Error("the good registration is refused");
    const known = { ...made.value, accountId: "usr_a", name: "", createdAt: 0, usedAt: 0 };
    const answer = authenticator.get({ challenge, rpId: party.id });
    const verify = async (input: unknown) => {
      const parsed = parseAssertion(input);
      return parsed.ok ? verifyAssertion(party, parsed.value.credential, challenge, known) : parsed;
    };
    expect((await verify(answer)).ok).toBe(true);
    const source = numbers(5);
    const next = (): number => source.next().value;
    let rewritten = 0;
    for (let round = 0; round < 5_000; round += 1) {
      const field = (["clientDataJSON", "authenticatorData", "signature"] as const)[next() % 3] ?? "signature";
      const before = answer.response[field];
      const bytes = harm(Buffer.from(before, "base64url"), next);
      const changed = bytes.toString("base64url");
      if (changed === before) continue;
      const outcome = await verify({ ...answer, response: { ...answer.response, [field]: changed } });
      // ECDSA has more than one writing of a signature, all of them over the same data: only that may be accepted.
      expect(outcome.ok && field !== "signature").toBe(false);
      if (outcome.ok) rewritten += 1;
    }
    expect(rewritten).toBeLessThan(500);
  });
});

describe("structures that want much memory or depth", () => {
  const head = (major: number, length: bigint): Buffer => {
    const bytes = Buffer.alloc(9);
    bytes[0] = (major << 5) | 27;
    bytes.writeBigUInt64BE(length, 1);
    return bytes;
  };
  const structures: readonly (readonly [string, Buffer])[] = [
    ["a map of 2^63 members", head(5, 2n ** 63n)],
    ["a list of 2^32 members", head(4, 2n ** 32n)],
    ["bytes of 2^53", head(2, 2n ** 53n)],
    ["a text of 2^31", head(3, 2n ** 31n)],
    ["12,000 lists in each other", Buffer.alloc(12_000, 0x81)],
    ["12,000 maps in each other", Buffer.alloc(12_000, 0xa1)],
    ["12,000 tags in each other", Buffer.alloc(12_000, 0xc1)],
    ["12,000 endless lists", Buffer.alloc(12_000, 0x9f)],
    ["an endless text", Buffer.alloc(12_000, 0x7f)],
    ["a break alone", Buffer.from([0xff])],
    ["nothing", Buffer.from([0xa0])],
    ["a map of itself as key", Buffer.from([0xa1, 0xa1, 0x01, 0x02, 0x03])],
  ];

  test.each(structures)("W11 %s instead of an attestation is refused at once", async (_name, bytes) => {
    const { credential } = goodRegistration();
    const before = process.memoryUsage().rss;
    const startedAt = performance.now();
    const outcome = await judge(withAttestation(credential, bytes));
    expect(outcome).toMatchObject({ ok: false, error: { code: "passkey_refused" } });
    expect(performance.now() - startedAt).toBeLessThan(20_000);
    expect(process.memoryUsage().rss - before).toBeLessThan(200_000_000);
  });

  test("W11 what is larger than an authenticator makes is not even decoded", async () => {
    const { credential } = goodRegistration();
    expect(await judge(withAttestation(credential, Buffer.alloc(13_000)))).toMatchObject({ ok: false, error: { code: "invalid_request" } });
    const data = { ...credential, response: { ...credential.response, clientDataJSON: "A".repeat(4_097) } };
    expect(await judge(data)).toMatchObject({ ok: false, error: { code: "invalid_request" } });
  });
});
