import { decodeJwt } from "jose";
import { z } from "zod";

type Fault = "lost" | "dropped" | "unauthorized" | "spent" | "revoked" | "foreign" | "unknown" | "broken" | "away";

const redemption = z.object({ mandate: z.string(), reference: z.string() });
const voiding = z.object({ request_id: z.string(), reference: z.string() });
const settlement = z.object({ request_id: z.string(), reference: z.string(), captured: z.int().positive() });

/** A wallet's mandate interface in miniature: one redemption a request, one end of it, and tokens that may stop being good. */
export class MandateDesk {
  /** Redemptions by request id. */
  readonly redeemed: Map<string, { reference: string; voided: boolean; captured?: number }> = new Map();
  /** What happens to the next requests. `lost`: it is done and the answer does not arrive. `dropped`: it does not arrive. */
  readonly faults: Fault[] = [];
  readonly asked: string[] = [];
  /** The assertions by which tokens were asked for. */
  readonly assertions: string[] = [];
  readonly #issuer: string;
  #token = 0;

  constructor(issuer: string) {
    this.#issuer = issuer;
  }

  /** Undefined for what is not the wallet's. */
  async answer(request: Request): Promise<Response | undefined> {
    const { origin, pathname } = new URL(request.url);
    if (origin !== this.#issuer) return undefined;
    if (pathname === "/.well-known/oauth-authorization-server") return Response.json(this.#metadata());
    if (pathname === "/token") return this.#grant(new URLSearchParams(await request.text()));
    const act = this.#acts[pathname.slice("/mandates/".length)];
    if (act === undefined || !pathname.startsWith("/mandates/")) return undefined;
    const fault = this.faults.shift();
    if (fault === "dropped") throw new TypeError("fetch failed");
    if (fault === "unauthorized") this.#token += 1;
    if (request.headers.get("authorization") !== `Bearer token-${this.#token}`) return Response.json({ code: "invalid_token" }, { status: 401 });
    this.asked.push(pathname.slice("/mandates/".length));
    if (fault === "spent") return Response.json({ code: "mandate_spent" }, { status: 409 });
    if (fault === "revoked") return Response.json({ code: "mandate_revoked" }, { status: 409 });
    if (fault === "unknown") return Response.json({ code: "not_found" }, { status: 404 });
    if (fault === "broken") return Response.json({ code: "internal_error" }, { status: 500 });
    if (fault === "away") return new Response("", { status: 503 });
    if (fault === "foreign") return Response.json({ reference: "pay_other" });
    const body: unknown = await request.json();
    const answer = act(body);
    if (fault === "lost") throw new TypeError("terminated");
    return answer;
  }

  readonly #acts: Readonly<Record<string, (body: unknown) => Response>> = {
    redeem: (body) => this.#redeem(redemption.parse(body)),
    void: (body) => this.#void(voiding.parse(body)),
    settle: (body) => this.#settle(settlement.parse(body)),
  };

  #redeem({ mandate, reference }: z.infer<typeof redemption>): Response {
    const id = String(decodeJwt(mandate)["request_id"]);
    const known = this.redeemed.get(id);
    if (known !== undefined && (known.voided || known.reference !== reference)) return Response.json({ code: "mandate_spent" }, { status: 409 });
    this.redeemed.set(id, { reference, voided: false });
    return Response.json({ request_id: id, status: "redeemed", reference });
  }

  #void({ request_id: id, reference }: z.infer<typeof voiding>): Response {
    const known = this.redeemed.get(id);
    if (known === undefined || known.reference !== reference) return Response.json({ code: "conflict" }, { status: 409 });
    known.voided = true;
    return Response.json({ request_id: id, status: "voided", reference });
  }

  #settle({ request_id: id, reference, captured }: z.infer<typeof settlement>): Response {
    const known = this.redeemed.get(id);
    const isOther = known?.captured !== undefined && known.captured !== captured;
    if (known === undefined || known.reference !== reference || known.voided || isOther) return Response.json({ code: "conflict" }, { status: 409 });
    known.captured = captured;
    return Response.json({ request_id: id, status: "redeemed", reference, captured });
  }

  #grant(form: URLSearchParams): Response {
    this.assertions.push(form.get("client_assertion") ?? "");
    if (form.get("resource") !== `${this.#issuer}/mandates` || form.get("scope") !== "mandates") return Response.json({}, { status: 400 });
    return Response.json({ access_token: `token-${this.#token}`, token_type: "Bearer", expires_in: 300 });
  }

  #metadata(): unknown {
    return {
      issuer: this.#issuer,
      authorization_endpoint: `${this.#issuer}/authorize`,
      token_endpoint: `${this.#issuer}/token`,
      response_types_supported: ["code"],
      code_challenge_methods_supported: ["S256"],
    };
  }
}
