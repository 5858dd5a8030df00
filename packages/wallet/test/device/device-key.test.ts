import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { deviceGrant } from "../../src/options.ts";
import { confirmDevice, deviceClients, enterCode, startDevice } from "../peers/devices.ts";
import { type JsonAnswer, readAnswer } from "../peers/listen.ts";
import { Prover } from "../peers/proofs.ts";
import { Person, startWorld, storeResource, type World } from "../peers/world.ts";

let world: World;
beforeAll(async () => {
  world = await startWorld({ clients: deviceClients });
});
afterAll(() => world.close());

const startFields = { client_id: "tv", scope: "orders:read", resource: storeResource };

/** A device code that was asked for with a proof and confirmed by its person. */
async function confirmedCode(prover: Prover): Promise<string> {
  const { status, body } = await prover.post(`${world.url}/device_authorization`, startFields);
  expect(status).toBe(200);
  const person = new Person(world);
  await confirmDevice(person, await person.register(await enterCode(person.browser, String(body["user_code"]))));
  return String(body["device_code"]);
}

function pollWith(prover: Prover, code: string): Promise<JsonAnswer> {
  return prover.post(`${world.url}/token`, { grant_type: deviceGrant, client_id: "tv", device_code: code, resource: storeResource });
}

async function pollPlain(code: string): Promise<JsonAnswer> {
  const body = new URLSearchParams({ grant_type: deviceGrant, client_id: "tv", device_code: code, resource: storeResource });
  return readAnswer(await fetch(`${world.url}/token`, { method: "POST", body }));
}

describe("a device code that was asked for with a proof", () => {
  test("D05 is redeemed with that key alone", async () => {
    const prover = await Prover.make();
    const code = await confirmedCode(prover);
    const bound = { status: 400, body: { error: "invalid_grant" } };
    expect(await pollWith(await Prover.make(), code)).toMatchObject(bound);
    expect(await pollPlain(code)).toMatchObject(bound);
    expect(await pollWith(prover, code)).toMatchObject({ status: 200, body: { token_type: "DPoP" } });
  });

  test("D05 tells another key nothing of whether it is confirmed", async () => {
    const prover = await Prover.make();
    const { body } = await prover.post(`${world.url}/device_authorization`, startFields);
    const confirmed = await confirmedCode(prover);
    const answers = await Promise.all([String(body["device_code"]), confirmed].map(async (code) => pollWith(await Prover.make(), code)));
    expect(answers[0]?.body).toEqual(answers[1]?.body);
  });

  test("D05 of 50 polls at once with the key one gets tokens", async () => {
    const prover = await Prover.make();
    const code = await confirmedCode(prover);
    const answers = await Promise.all(Array.from({ length: 50 }, () => pollWith(prover, code)));
    expect(answers.filter((each) => each.status === 200)).toHaveLength(1);
  });

  test("O20 is not given for a proof that is for another address, or came before", async () => {
    const prover = await Prover.make();
    const url = `${world.url}/device_authorization`;
    const send = async (proof: string): Promise<unknown> =>
      (await fetch(url, { method: "POST", headers: { dpop: proof }, body: new URLSearchParams(startFields) })).json();
    expect(await send(await prover.prove(`${world.url}/token`, undefined))).toMatchObject({ error: "invalid_dpop_proof" });
    const once = await prover.prove(url, undefined);
    expect(await send(once)).toHaveProperty("device_code");
    expect(await send(once)).toMatchObject({ error: "invalid_dpop_proof" });
  });

  test("one that was asked for without a proof takes any key", async () => {
    const device = await startDevice(world, { code_challenge: undefined, code_challenge_method: undefined });
    const person = new Person(world);
    await confirmDevice(person, await person.register(await enterCode(person.browser, device.userCode)));
    expect(await pollWith(await Prover.make(), device.deviceCode)).toMatchObject({ status: 200, body: { token_type: "DPoP" } });
  });
});
