import { profileNames } from "@countersign/protocol/host-profile";
import type { HostProfile } from "@countersign/protocol/ladder";
import type { ServerReport } from "@countersign/protocol/server-matrix";
import { matters } from "@countersign/protocol/server-verdict";
import { z } from "zod";
import { type ExamineStep, examineSteps } from "../../doctor/examine.ts";

/** What the page of the doctor asks. */
export interface NewExamination {
  readonly url: string;
  /** Whether a tool that demands sign-in and only reads may be called without a token, to see how it answers. */
  readonly call: boolean;
}

export const newExamination: z.ZodType<NewExamination> = z.strictObject({
  url: z.string().min(1).max(2048).describe("The server's MCP endpoint."),
  call: z.boolean().describe("Whether a tool that demands sign-in and only reads may be called without a token, to see how it answers."),
});

const host: z.ZodType<HostProfile> = z.enum(profileNames);
const basis = z.strictObject({ certainty: z.enum(["doc", "code", "issue", "inferred", "assumed", "own"]), source: z.string() });
const verdict = z.strictObject({
  standing: z.enum(["works", "falls_back", "dead", "moot", "unknown"]),
  finding: z.string(),
  reason: z.string(),
  fix: z.string().exactOptional(),
  basis: basis.exactOptional(),
});

/** How a server fares in each host. */
export const reportView: z.ZodType<ServerReport> = z
  .strictObject({
    url: z.string(),
    exit: z.union([z.literal(0), z.literal(1), z.literal(3)]).describe("What the command of the same name ends with."),
    hosts: z.array(
      z.strictObject({
        host,
        verdicts: z.strictObject({
          connect: verdict,
          list: verdict,
          sign_in: verdict,
          model_call: verdict,
          view_call: verdict,
          view: verdict,
          step_up: verdict,
        }),
      }),
    ),
    notes: z.array(z.strictObject({ finding: z.string(), reason: z.string(), fix: z.string() })),
    findings: z.array(
      z.strictObject({
        finding: z.string(),
        reason: z.string(),
        fix: z.string().exactOptional(),
        frees: z.array(z.string()),
        unsure: z.array(z.string()),
        hosts: z.array(z.string()),
        matters: z.array(z.enum(matters)),
      }),
    ),
  })
  .meta({ id: "ServerReport" });

/** What a page is told while it waits: the step that begins, and at the end the report. */
export type ExaminationLine = { readonly step: ExamineStep; readonly number: number; readonly of: number } | { readonly report: ServerReport };

export const examinationLine: z.ZodType<ExaminationLine> = z.union([
  z.strictObject({ step: z.enum(examineSteps), number: z.int().min(1).describe("Its place among all steps; some may be left out."), of: z.int() }),
  z.strictObject({ report: reportView }),
]);
