import { member, type JsonObject } from "@countersign/protocol/shape";
import type { SealedField } from "@countersign/storage/reseal";
import { assertionKeySealingText } from "../authorize/assertion-keys.ts";
import { deviceSealingText } from "../authorize/device.ts";
import { registrationSealingText } from "../authorize/registration.ts";
import { verifierSealingText } from "../authorize/sign-in.ts";
import { paperSealingText } from "../call/papers.ts";
import { conversationSealingText } from "../chat/chat.ts";
import { settingsSealingText } from "../connectors/settings.ts";
import { returnSealingText } from "../resources/app-returns.ts";
import { fileSealingText } from "../resources/files.ts";
import { stateSealingText } from "../resources/widget-states.ts";
import { tokenSealingText } from "../vault.ts";
import type { KeptKind } from "./retention.ts";

/** Every sealed text of the host. A change of the sealing key goes through this list, so what is missing here is lost when the old key is taken away. */
export const sealedFields: readonly SealedField<KeptKind>[] = [
  { kind: "token", field: "sealed", text: (_, row) => tokenSealingText(holderOf(row)) },
  { kind: "flow_grant", field: "sealed", text: (_, row) => tokenSealingText(holderOf(row)) },
  { kind: "call", field: "sealedArguments", text: (id, row) => paperSealingText("arguments", textOf(row, "userId"), id) },
  { kind: "call", field: "sealedResult", text: (id, row) => paperSealingText("result", textOf(row, "userId"), id) },
  { kind: "call", field: "sealedAsking", text: (id, row) => paperSealingText("asking", textOf(row, "userId"), id) },
  { kind: "call", field: "sealedContinuation", text: (id, row) => paperSealingText("continuation", textOf(row, "userId"), id) },
  { kind: "oauth_state", field: "sealedVerifier", text: (id) => verifierSealingText(id) },
  { kind: "device_code", field: "sealed", text: (id) => deviceSealingText(id) },
  { kind: "widget_state", field: "sealed", text: (id, row) => stateSealingText(textOf(row, "userId"), id) },
  {
    kind: "file_content",
    field: "sealed",
    text: (id, row) => fileSealingText({ userId: textOf(row, "userId"), connectorId: textOf(row, "connectorId") }, id),
  },
  { kind: "app_return", field: "sealedParameters", text: (id) => returnSealingText(id) },
  { kind: "conversation", field: "sealed", text: (id, row) => conversationSealingText(textOf(row, "userId"), id) },
  {
    kind: "connector",
    field: "settings.sealedSecret",
    text: (id, row) => settingsSealingText({ userId: textOf(row, "userId"), connectorId: id }),
  },
  { kind: "assertion_key", field: "sealed", text: (_, row) => assertionKeySealingText(String(member(row["published"], "kid"))) },
  {
    kind: "client_registration",
    field: "sealedSecret",
    text: (_, row) => registrationSealingText(textOf(row, "issuer"), textOf(row, "clientId")),
  },
];

function holderOf(row: JsonObject): Parameters<typeof tokenSealingText>[0] {
  return { userId: textOf(row, "userId"), issuer: textOf(row, "issuer"), resource: textOf(row, "resource") };
}

function textOf(row: JsonObject, name: string): string {
  const value = row[name];
  return typeof value === "string" ? value : "";
}
