import type { LadderStep } from "@countersign/protocol/ladder";
import type { z } from "zod";
import { noBody, type Operation } from "./operation.ts";
import { ladderView, newLadderStep, traceView } from "./schemas/calls.ts";

export const readTrace: Operation<undefined, z.infer<typeof traceView>> = {
  method: "GET",
  audience: "everyone",
  id: "readTrace",
  path: "/api/calls/:id/trace",
  tag: "Calls",
  summary: "Read every step of a call, with the reason of each decision; secrets are masked.",
  body: noBody,
  status: 200,
  answer: traceView,
  errors: ["unknown_call"],
};

export const noteLadder: Operation<LadderStep, z.infer<typeof ladderView>> = {
  method: "POST",
  audience: "everyone",
  id: "noteLadder",
  path: "/api/calls/:id/ladder",
  tag: "Calls",
  summary: "Keep with a call what its view said of a call of its own. It shows in the trace and decides nothing; the newest 50 are kept.",
  body: newLadderStep,
  status: 200,
  answer: ladderView,
  errors: ["unknown_call", "conflict"],
};
