import { Paper, type PaperPayment } from "./model.ts";
import { orderCount, purse, type Step } from "./some-history.ts";
import type { Stage } from "./stage.ts";

/** What a history left behind that should not be there: each a sentence. */
export type Findings = readonly string[];

const month = 31 * 86_400_000;

/**
 * Plays one history and compares each answer and each sum with what was kept on paper. A client that hears nothing asks again with the same key until it is
 * told, or never comes back. `number` names the history's account, mandates and keys. In the end nothing is held, a mandate is void at its wallet exactly where no money moved, and elsewhere counts there with what was captured.
 */
export async function play(stage: Stage, history: readonly Step[], number: number): Promise<Findings> {
  const account = `acc_${number}`;
  await stage.openAccount(account, purse);
  const issuedAt = Math.floor(stage.now / 1000);
  const paper = new Paper(purse, orderCount, issuedAt);
  const findings: string[] = [];
  const find = (what: string, is: unknown, should: unknown): void => {
    if (JSON.stringify(is) !== JSON.stringify(should)) findings.push(`${what}: ${JSON.stringify(is)} instead of ${JSON.stringify(should)}`);
  };
  const ask = async ({ ask: asked, key, fault, copies, returns }: Extract<Step, { kind: "ask" }>): Promise<void> => {
    stage.fault = fault;
    const named = { account, mandate: `${number}-${asked.order}`, key: `${number}-k${key}`, issuedAt };
    const heard = await Promise.all(Array.from({ length: copies }, () => stage.ask(asked, named)));
    stage.fault = null;
    if (heard.includes("unavailable")) return;
    // Who died before the commit did nothing.
    const isDone = heard[0] !== undefined || fault === "reply" || fault === "capture.committed" || fault === "move.committed";
    const should = isDone ? paper.ask(asked, named.key, stage.now) : undefined;
    for (const each of heard) find(`${JSON.stringify(asked)} under ${key}`, each ?? should, should);
    if (heard.includes(undefined) && returns) await ask({ kind: "ask", ask: asked, key, fault: null, copies: 1, returns: false });
  };
  for (const step of history) {
    if (step.kind === "ask") {
      await ask(step);
    }
    if (step.kind === "wait") stage.now += step.ms;
    if (step.kind === "upkeep") {
      await stage.upkeep();
      paper.sweep(stage.now);
    }
    if (step.kind === "restart") await stage.restart();
    for (const [order, { payment }] of paper.orders.entries())
      find(`order ${order}`, await sumsOf(stage, `pay_${number}-${order}`), onPaper(paper, payment, stage));
  }
  stage.now += month;
  await stage.upkeep();
  paper.expire(stage.now);
  find("the purse", await stage.available(account), paper.purse);
  for (const [order, { payment }] of paper.orders.entries()) {
    const redemption = stage.redeemed.get(`pr_${number}-${order}`);
    if (redemption !== undefined) {
      const captured = payment?.captured ?? 0;
      find(`order ${order} is void at the wallet`, redemption.voided, captured === 0);
      // A wallet that was told nothing counts all of it.
      if (payment !== undefined && captured > 0) find(`order ${order} counts at the wallet`, redemption.captured ?? payment.amount, captured);
    }
    stage.redeemed.delete(`pr_${number}-${order}`);
  }
  return findings;
}

async function sumsOf(stage: Stage, id: string): Promise<readonly number[] | undefined> {
  const payment = await stage.payment(id);
  return payment && [payment.captured, payment.refunded, payment.held];
}

function onPaper(paper: Paper, payment: PaperPayment | undefined, stage: Stage): readonly number[] | undefined {
  paper.expire(stage.now);
  return payment && [payment.captured, payment.refunded, payment.held];
}
