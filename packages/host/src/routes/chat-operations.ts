import { z } from "zod";
import type { TurnView } from "../chat/chat.ts";
import { type AnyOperation, noBody, type Operation } from "./operation.ts";
import { newMessage, type NewMessage, turnView } from "./schemas/session.ts";

const get = { method: "GET", body: noBody, status: 200, audience: "everyone" } as const;
const act = { method: "POST", body: noBody, status: 200, audience: "everyone" } as const;
const make = { method: "POST", audience: "everyone" } as const;

export const say: Operation<NewMessage, { readonly conversationId: string }> = {
  ...make,
  id: "say",
  path: "/api/chat",
  tag: "Chat",
  summary: "Say something to the host's own model, where one is configured. What it answers comes by events.",
  body: newMessage,
  status: 202,
  answer: z.strictObject({ conversationId: z.string() }),
  errors: ["conflict", "not_found"],
};

export const stopAnswer: Operation<undefined, { readonly stopped: boolean }> = {
  ...act,
  id: "stopAnswer",
  path: "/api/chat/stop",
  tag: "Chat",
  summary:
    "Stop the model's answer; what it said stays. Calls that wait for the user end, those sent to a server go on. Says whether there was an answer to stop.",
  answer: z.strictObject({ stopped: z.boolean() }),
  errors: ["not_found"],
};

export const readTurn: Operation<undefined, TurnView> = {
  ...get,
  id: "readTurn",
  path: "/api/chat/:id",
  tag: "Chat",
  summary: "Read what was told of the last turn of a conversation, such as after a reload of the page or a lost stream.",
  answer: turnView,
  errors: ["not_found"],
};

/** What is asked of the host's own model by its users. */
export const chatOperations: readonly AnyOperation[] = [say, stopAnswer, readTurn];
