import { digest, ES256 } from "@sd-jwt/crypto-nodejs";
import { SDJwtVcInstance } from "@sd-jwt/sd-jwt-vc";
import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { lodge } from "../peers/payments.ts";
import { Person, startWorld, type World } from "../peers/world.ts";

const keySet = z.object({
  keys: z.array(z.object({ kty: z.literal("EC"), crv: z.literal("P-256"), x: z.string(), y: z.string(), kid: z.string() })),
});

let world: World;
let mandate: string;
let checkoutHash: string;
let requestId: string;
beforeAll(async () => {
  world = await startWorld();
  const { id, request, checkoutJwt } = await lodge(world, { scope: "orders:read" });
  const person = new Person(world);
  await person.usePasskey(await person.register(await person.browser.open(request.url)), "/approve");
  mandate = String((await world.payee.call(`/payment-requests/${id}`)).body["mandate"]);
  requestId = id;
  checkoutHash = createHash("sha256").update(checkoutJwt).digest("base64url");
});
afterAll(() => world.close());

/** A verifier that knows SD-JWT VCs and the wallet's published keys, and nothing else of the wallet. */
async function verifier(): Promise<SDJwtVcInstance> {
  const { keys } = keySet.parse(await (await fetch(`${world.url}/jwks`)).json());
  const verify = async (data: string, signature: string): Promise<boolean> => {
    const header = z.object({ kid: z.string() }).parse(JSON.parse(Buffer.from(data.split(".")[0] ?? "", "base64url").toString("utf8")));
    const key = keys.find((each) => each.kid === header.kid);
    if (key === undefined) return false;
    return (await ES256.getVerifier(key))(data, signature);
  };
  return new SDJwtVcInstance({ verifier: verify, hasher: digest });
}

describe("a plain SD-JWT library from npm", () => {
  test("L19 L21 verifies a mandate and reads an AP2 payment mandate", async () => {
    const { payload, header } = await (await verifier()).verify(mandate);
    expect(header).toMatchObject({ alg: "ES256", typ: "dc+sd-jwt" });
    expect(payload).toMatchObject({
      iss: world.url,
      vct: "mandate.payment.1",
      aud: ["store", new URL(world.bank.url).origin],
      transaction_id: checkoutHash,
      request_id: requestId,
      payee: { id: "store", name: "Harbour Goods", website: "https://harbour.example/" },
      payment_amount: { amount: 4_250, currency: "EUR" },
      payment_instrument: { type: "bank_account", id: expect.stringMatching(/^acc_/), description: expect.any(String) },
      human_present: true,
    });
  });

  test("L16 L21 reads it by what AP2 demands of a payment mandate: each member of its type, whole minor units, the digest of what the payee signed", async () => {
    const { payload } = await (await verifier()).verify(mandate);
    const named = z.looseObject({ id: z.string(), name: z.string() });
    const paymentMandate = z.looseObject({
      vct: z.literal("mandate.payment.1"),
      transaction_id: z.literal(checkoutHash),
      payee: named,
      payment_amount: z.strictObject({ amount: z.int(), currency: z.string().regex(/^[A-Z]{3}$/) }),
      payment_instrument: z.looseObject({ id: z.string(), type: z.string(), description: z.string() }),
      iat: z.int(),
      exp: z.int(),
    });
    expect(paymentMandate.safeParse(payload).error).toBeUndefined();
    for (const change of [
      { payment_amount: { amount: 42.5, currency: "EUR" } },
      { vct: "mandate.payment" },
      { transaction_id: "x" },
      { payee: undefined },
    ]) {
      expect(paymentMandate.safeParse({ ...payload, ...change }).success).toBe(false);
    }
  });

  test("L01 L19 refuses a mandate with another amount, and one of another signature", async () => {
    const instance = await verifier();
    const [header = "", payload = "", signature = ""] = mandate.split(".");
    const claims: object = JSON.parse(Buffer.from(payload, "base64url").toString("utf8"));
    const raised = Buffer.from(JSON.stringify({ ...claims, payment_amount: { amount: 1, currency: "EUR" } })).toString("base64url");
    await expect(instance.verify(`${header}.${raised}.${signature}`)).rejects.toThrow(/signature/i);
    const flipped = `${signature.startsWith("A") ? "B" : "A"}${signature.slice(1)}`;
    await expect(instance.verify(`${header}.${payload}.${flipped}`)).rejects.toThrow(/signature/i);
    await expect(instance.verify(mandate)).resolves.toMatchObject({ payload: { request_id: requestId } });
  });
});
