import { expect, test } from "vitest";
import { entraApp } from "./stand-ins/entra-app.ts";

test("the app of the guide for other authorization servers names that server in its metadata", async () => {
  const metadata = await entraApp.fetch(new Request("https://shop.example/.well-known/oauth-protected-resource/mcp"));
  expect(await metadata.json()).toMatchObject({
    resource: "https://shop.example/mcp",
    authorization_servers: ["https://login.microsoftonline.com/TENANT-ID/v2.0"],
  });
  await entraApp.close();
});
