import { html } from "hono/html";
import { type CancelForm, cancelForm } from "./cancel.ts";
import { ceremonyStatus } from "./ceremony.ts";
import type { ConsentGroup } from "./consent.ts";
import { type Markup, type Page, symbol } from "./layout.ts";
import { noticePage } from "./notice.ts";
import { text } from "./text.ts";

export type DevicePageProblem =
  | { readonly kind: "unusable" }
  | { readonly kind: "failed" }
  | { readonly kind: "too_many"; readonly waitSeconds: number };

export interface DeviceCodeView {
  /** Binds the form to the session. */
  readonly secret: string;
  /** As a link brought it; a person still has to send it. */
  readonly code: string | undefined;
  readonly problem: DevicePageProblem | undefined;
}

/** Where the code of another device is entered, or, after a scan, compared. */
export function deviceCodePage(view: DeviceCodeView): Page {
  const { device } = text;
  const hint = view.code === undefined ? device.enterHint : device.compareHint;
  const body = html`<section class="card">
<div class="stack tight">
<h1>${view.code === undefined ? device.enterTitle : device.compareTitle}</h1>
<p class="quiet" id="user_code_hint">${hint}</p>
</div>
${view.problem === undefined ? "" : html`<p class="notice notice-bad" role="alert">${symbol("alert")}<span>${problemText(view.problem)}</span></p>`}
<form class="stack" method="post" action="/device">
<input type="hidden" name="xsrf" value="${view.secret}">
<input type="hidden" name="confirm" value="yes">
<div class="field">
<label class="label" for="user_code">${device.code}</label>
<input class="input user-code" id="user_code" name="user_code" value="${view.code ?? ""}" required maxlength="20" autocomplete="off" autocapitalize="characters" spellcheck="false" aria-describedby="user_code_hint">
</div>
<button class="button button-primary button-block button-large" type="submit">${device.proceed}</button>
</form>
</section>
<p class="page-foot center">${device.warning}</p>`;
  return { heading: view.code === undefined ? device.enterTitle : device.compareTitle, body };
}

function problemText(problem: DevicePageProblem): string {
  switch (problem.kind) {
    case "unusable":
      return text.device.unusable;
    case "failed":
      return text.device.failed;
    case "too_many":
      return text.device.tooMany(problem.waitSeconds);
  }
}

/** Where a request came from, as it is shown beside what is asked. */
export interface DeviceOrigin {
  readonly place: string;
  readonly agent: string;
  readonly sameNetwork: boolean;
  readonly ageMinutes: number;
}

export interface DeviceConfirmView {
  readonly clientName: string;
  readonly userCode: string;
  readonly origin: DeviceOrigin;
  readonly groups: readonly ConsentGroup[];
  readonly userName: string;
  readonly base: string;
  readonly token: string;
  readonly decline: CancelForm;
}

/** Who asks on the other device, for what, from where and since when; the passkey is the answer. */
export function deviceConfirmPage(view: DeviceConfirmView): Page {
  const { device } = text;
  const heading = device.confirmTitle(view.clientName);
  const groups = view.groups.map(
    (group) => html`<div class="stack snug">
<p class="quiet">${text.consent.lead(view.clientName, group.resource)}</p>
<ul class="list">${group.lines.map((line) => html`<li>${symbol("check", "icon-small")}<span>${line}</span></li>`)}</ul>
</div>`,
  );
  const body = html`<section class="card">
<h1>${heading}</h1>
<p class="user-code">${view.userCode}</p>
${groups}
<hr>
<dl class="pairs">${originPairs(view.origin)}</dl>
<p class="notice notice-warn">${symbol("shield")}<span>${device.warning}</span></p>
<form class="stack snug" method="post" action="${view.base}/device" data-ceremony="get" data-armed data-options="${view.base}/device/options">
<input type="hidden" name="form_token" value="${view.token}">
<button class="button button-primary button-block button-large" type="submit" disabled>${symbol("passkey")} ${device.confirm}</button>
<p class="hint center">${text.payment.approveHint}</p>
</form>
${ceremonyStatus()}
</section>
${cancelForm(view.decline)}
<p class="page-foot center">${text.signedInAs(view.userName)}</p>`;
  return { heading, body };
}

/** The lines that say where a request came from. */
export function originPairs(origin: DeviceOrigin): Markup {
  const { device } = text;
  return html`<dt>${device.place}</dt><dd>${origin.sameNetwork ? device.sameNetwork : device.otherNetwork} <span class="quiet">${origin.place}</span></dd>
<dt>${device.agent}</dt><dd><bdi>${origin.agent === "" ? device.unknownAgent : origin.agent}</bdi></dd>
<dt>${device.started}</dt><dd>${device.age(origin.ageMinutes)}</dd>`;
}

/** How it ended here; the other device goes on by itself. */
export function deviceDonePage(ending: "approved" | "declined"): Page {
  return noticePage({ ...text.device[ending], tone: ending === "approved" ? "good" : "warn" });
}
