import { type App, createApp } from "@countersign/kit/app";

// The code of docs/guides/third-party-authorization-servers.md stands here, so that it is compiled and run.

const app = createApp({
  name: "shop",
  version: "1.0.0",
  resource: "https://shop.example/mcp",
  issuer: {
    issuer: "https://login.microsoftonline.com/TENANT-ID/v2.0",
    tokens: "jwt",
    audience: "APP-ID",
    scopePrefix: "api://APP-ID/",
  },
  scopes: { "api://APP-ID/orders.write": ["api://APP-ID/orders.read"] },
});

export const entraApp: App = app;
