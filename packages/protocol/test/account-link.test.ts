import { describe, expect, it } from "vitest";
import { linkOfferMeta, readLinkHandle, readLinkOffer, readLinkStatus } from "../src/account-link.ts";

const handle = `lnk_${"A".repeat(42)}_`;
const good = { handle, link: "https://wallet.test/device?user_code=WDJB-MJHT", code: "WDJB-MJHT", expiresAt: 1_800_000_000_000 };

describe("readLinkHandle", () => {
  it("takes 256 bits with their prefix", () => {
    expect(readLinkHandle(handle)).toBe(handle);
  });

  it.each([undefined, null, 7, "", "lnk_", handle.slice(0, -1), `${handle}A`, ` ${handle}`, `${handle}\n`, handle.replace("lnk", "LNK"), [handle]])(
    "takes %j for none",
    (value) => {
      expect(readLinkHandle(value)).toBeUndefined();
    },
  );
});

describe("readLinkOffer", () => {
  it("reads what was written", () => {
    const offer = readLinkOffer({ "countersign/link": good });
    expect(offer).toEqual(good);
    expect(offer && readLinkOffer(linkOfferMeta(offer))).toEqual(good);
    expect(readLinkOffer({ "countersign/link": { ...good, link: "http://localhost:4200/device" } })).toBeDefined();
  });

  it.each([
    ["no meta", undefined],
    ["another key", { link: good }],
    ["no handle", { "countersign/link": { ...good, handle: "x" } }],
    ["a link that runs", { "countersign/link": { ...good, link: "javascript:alert(1)" } }],
    ["plain http elsewhere", { "countersign/link": { ...good, link: "http://wallet.test/device" } }],
    ["credentials in the link", { "countersign/link": { ...good, link: "https://a:b@wallet.test/" } }],
    ["a huge link", { "countersign/link": { ...good, link: `https://wallet.test/${"a".repeat(3000)}` } }],
    ["a code that reorders text", { "countersign/link": { ...good, code: "AB\u202eCD" } }],
    ["a code of markup", { "countersign/link": { ...good, code: "<b>A</b>" } }],
    ["no end", { "countersign/link": { ...good, expiresAt: "soon" } }],
    ["an end that is no time", { "countersign/link": { ...good, expiresAt: Number.NaN } }],
    ["an inherited offer", Object.create({ "countersign/link": good })],
  ])("takes %s for none", (_what, meta) => {
    expect(readLinkOffer(meta)).toBeUndefined();
  });
});

describe("readLinkStatus", () => {
  it.each(["pending", "linked", "denied", "expired", "failed"] as const)("reads %s", (status) => {
    expect(readLinkStatus({ status, more: 1 })).toEqual({ status });
  });

  it.each([undefined, {}, { status: "LINKED" }, { status: true }, [], "linked"])("takes %j for none", (value) => {
    expect(readLinkStatus(value)).toBeUndefined();
  });
});
