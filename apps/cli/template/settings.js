import { readFileSync } from "node:fs";

/**
 * What `countersign.json` says, which a local wallet and host read too. Where the app is deployed, `APP_RESOURCE` (its public address, which every
 * token names), `APP_ISSUER` (the authorization server) and `APP_LINK_CLIENT` (the app's own client id there, for links) replace it.
 */
const file = JSON.parse(readFileSync(new URL("countersign.json", import.meta.url), "utf8"));

export const settings = {
  /** @type {string} */ name: file.name,
  /** @type {string} */ title: file.title,
  /** @type {string} */ resource: process.env.APP_RESOURCE ?? file.resource,
  /** @type {string} */ issuer: process.env.APP_ISSUER ?? file.issuer,
  /** @type {string | undefined} */ linkClient: process.env.APP_ISSUER === undefined ? file.linkClient : process.env.APP_LINK_CLIENT,
};

/** The view as `npm run build` made it. */
export function readView() {
  return readFileSync(new URL("dist/view.html", import.meta.url), "utf8");
}
