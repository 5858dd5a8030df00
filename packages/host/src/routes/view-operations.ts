import type { JsonObject } from "@countersign/protocol/shape";
import { z } from "zod";
import type { ReturnView } from "../resources/app-returns.ts";
import type { FileView } from "../resources/files.ts";
import { type AnyOperation, noBody, type Operation } from "./operation.ts";
import * as views from "./schemas/views.ts";

const server = ["server_unreachable", "protocol_error", "response_too_large", "authorization_required"] as const;
const page = { tag: "Views", audience: "everyone" } as const;

export const writeWidgetState: Operation<{ readonly state: string }, { readonly saved: true }> = {
  ...page,
  id: "writeWidgetState",
  method: "PUT",
  path: "/api/widgets/:id/state",
  summary: "Keep what a view wants back after a reload. The last write wins.",
  body: views.newState,
  status: 200,
  answer: views.savedView,
  errors: ["not_found", "request_too_large"],
};

export const readWidgetResource: Operation<{ readonly uri: string }, JsonObject> = {
  ...page,
  id: "readWidgetResource",
  method: "POST",
  path: "/api/widgets/:id/resources/read",
  summary: "Read a resource of the view's own server.",
  body: views.resourceQuestion,
  status: 200,
  answer: z.record(z.string(), z.unknown()),
  errors: ["not_found", "unknown_connector", ...server],
};

export const listWidgetResources: Operation<{ readonly cursor?: string }, JsonObject> = {
  ...page,
  id: "listWidgetResources",
  method: "POST",
  path: "/api/widgets/:id/resources/list",
  summary: "List one page of the resources of the view's own server.",
  body: views.resourcePage,
  status: 200,
  answer: z.record(z.string(), z.unknown()),
  errors: ["not_found", "unknown_connector", ...server],
};

export const addFile: Operation<undefined, FileView> = {
  ...page,
  id: "addFile",
  method: "POST",
  path: "/api/widgets/:id/files",
  summary: "Give a file to the view's app: the bytes as the body, their type as content-type, at most 10 MB.",
  query: [{ name: "name", description: "The file's name.", schema: z.string().max(300) }],
  body: noBody,
  status: 201,
  answer: views.fileView,
  errors: ["not_found", "request_too_large", "rate_limited"],
};

export const listFiles: Operation<undefined, { readonly files: readonly FileView[] }> = {
  ...page,
  id: "listFiles",
  method: "GET",
  path: "/api/widgets/:id/files",
  summary: "List the files that the user gave to the view's app.",
  body: noBody,
  status: 200,
  answer: views.fileList,
  errors: ["not_found"],
};

export const linkFile: Operation<{ readonly fileId: string }, { readonly downloadUrl: string }> = {
  ...page,
  id: "linkFile",
  method: "POST",
  path: "/api/widgets/:id/file-links",
  summary: "Make a link that opens a file of the view's app for ten minutes.",
  body: views.fileQuestion,
  status: 201,
  answer: views.fileLink,
  errors: ["not_found"],
};

export const openPopup: Operation<{ readonly url: string }, views.PopupView> = {
  ...page,
  id: "openPopup",
  method: "POST",
  path: "/api/widgets/:id/popups",
  audience: "console",
  summary: "Judge an address for a window that comes back with parameters, and make its way back.",
  body: views.newPopup,
  status: 201,
  answer: views.popupView,
  errors: ["not_found", "unsafe_url"],
};

export const readPopup: Operation<undefined, ReturnView> = {
  ...page,
  id: "readPopup",
  method: "GET",
  path: "/api/popups/:id",
  audience: "console",
  summary: "Read what a window came back with, at once or once it has (long poll).",
  query: [{ name: "wait", description: "Seconds to wait, 0 to 25.", schema: z.int().min(0).max(25).default(0) }],
  body: noBody,
  status: 200,
  answer: views.returnView,
  errors: ["not_found", "flow_expired"],
};

export const sample: Operation<views.SamplingQuestion, { readonly model: string; readonly text: string }> = {
  ...page,
  id: "sample",
  method: "POST",
  path: "/api/widgets/:id/sampling",
  audience: "console",
  summary: "Ask the host's own model for a view, where one is configured. The page asks the user first.",
  body: views.samplingQuestion,
  status: 200,
  answer: views.samplingAnswer,
  errors: ["not_found", "conflict", "unavailable", "rate_limited", "protocol_error"],
};

export const answerViewCall: Operation<{ readonly result: JsonObject }, { readonly taken: true }> = {
  ...page,
  id: "answerViewCall",
  method: "POST",
  path: "/api/view-calls/:id",
  summary: "Answer the model's call of a tool that a shown view offers, with the view's `CallToolResult`.",
  body: z.strictObject({ result: z.record(z.string(), z.unknown()) }),
  status: 200,
  answer: z.strictObject({ taken: z.literal(true) }),
  errors: ["not_found"],
};

/** What can be asked in the name of a view, in the order of the document. */
export const viewOperations: readonly AnyOperation[] = [
  writeWidgetState,
  readWidgetResource,
  listWidgetResources,
  addFile,
  listFiles,
  linkFile,
  openPopup,
  readPopup,
  sample,
  answerViewCall,
];
