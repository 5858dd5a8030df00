import { judgeAuthorizationServer } from "@countersign/protocol/metadata";
import { parseIssuer, parseResourceUri } from "@countersign/protocol/resource";
import { describe, expect, it } from "vitest";
import { ClientDocuments } from "../../src/authorize/client-document.ts";

const serverDocument = {
  issuer: "https://wallet.example",
  authorization_endpoint: "https://wallet.example/authorize",
  token_endpoint: "https://wallet.example/token",
  device_authorization_endpoint: "https://wallet.example/device",
  code_challenge_methods_supported: ["S256"],
  token_endpoint_auth_methods_supported: ["none"],
  client_id_metadata_document_supported: true,
};

describe("the client id metadata document", () => {
  it("of a server with the device grant is another one, which names the grant", () => {
    const documents = new ClientDocuments("https://console.example", undefined);
    const issuer = parseIssuer("https://wallet.example");
    const resource = parseResourceUri("https://store.example/mcp");
    const judged = issuer.ok ? judgeAuthorizationServer(serverDocument, issuer.value) : undefined;
    if (!issuer.ok || !resource.ok || judged?.ok !== true) throw new Error("not a server");
    const { deviceAuthorizationEndpoint: _, ...without } = judged.value;
    const ids = [judged.value, without].map((server) => documents.choose(server, resource.value)?.clientId ?? "");
    const read = ids.map((id) => documents.document(id.split("/").at(-1) ?? ""));
    expect(read.map((document) => document?.client_id)).toEqual(ids);
    expect(read.map((document) => document?.grant_types.length)).toEqual([3, 2]);
    for (const id of ids) expect(documents.methodOf(id, resource.value, issuer.value)).toBe("none");
  });
});
