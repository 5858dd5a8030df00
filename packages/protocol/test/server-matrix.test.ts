import { describe, expect, it } from "vitest";
import { profileNames } from "../src/host-profile.ts";
import { judgeServer } from "../src/server-matrix.ts";
import { exitCodeOf, findingsOf, matters } from "../src/server-verdict.ts";
import { allEras, asDocument, goodServer, openTool, listing } from "./seen-server.ts";

describe("a matrix", () => {
  it("has a column for each host of the tables, in their order, or for those that were asked for", () => {
    expect(judgeServer(goodServer).hosts.map(({ host }) => host)).toEqual(profileNames);
    expect(judgeServer(goodServer, ["goose"]).hosts.map(({ host }) => host)).toEqual(["goose"]);
  });

  it("has nothing against an open server, but that some hosts serve no calls to views", () => {
    const matrix = judgeServer({ ...goodServer, tools: listing([openTool]) });
    expect(findingsOf(matrix).map(({ finding }) => finding)).toEqual(["no_view_calls"]);
    expect(matrix.notes).toEqual([]);
    expect(exitCodeOf(goodServer, matrix)).toBe(0);
  });

  it("gives up on a host that cannot connect, for one reason", () => {
    const matrix = judgeServer({ ...goodServer, eras: allEras({ seen: "refused", status: 404 }) }, ["claude"]);
    const verdicts = matrix.hosts.flatMap((column) => matters.map((matter) => column.verdicts[matter].finding));
    expect(new Set(verdicts)).toEqual(new Set(["not_mcp"]));
  });

  it("knows nothing of a server that did not answer, and fails no build", () => {
    const silent = { ...goodServer, eras: allEras({ seen: "nothing", problem: "timeout" }) };
    const matrix = judgeServer(silent);
    expect(findingsOf(matrix)).toMatchObject([{ finding: "unreachable", frees: [], unsure: profileNames }]);
    expect(exitCodeOf(silent, matrix)).toBe(3);
  });

  it("calls nothing dead by a guess about a host", () => {
    const documents = [{ seen: "document", url: "https://id.example/a", judged: { ...asDocument, registration: false } }] as const;
    const matrix = judgeServer({ ...goodServer, authorizationServers: [{ issuer: "https://id.example", documents }] });
    const cells = matrix.hosts.flatMap(({ host, verdicts }) => matters.map((matter) => ({ host, matter, ...verdicts[matter] })));
    expect(cells.filter(({ standing, basis }) => standing === "dead" && basis?.certainty === "assumed")).toEqual([]);
    const unsure = cells.filter(({ finding, standing }) => finding === "registration" && standing === "unknown");
    expect(unsure.map(({ host }) => host)).toContain("cursor");
    for (const { reason } of unsure) expect(reason).toMatch(/by itself\. That is a guess: of this host it is not known\.$/);
  });

  it("tells where it is written that a host stands as it does", () => {
    const columns = judgeServer({
      ...goodServer,
      transport: { ...goodServer.transport, sessionDemanded: true },
      eras: { ...goodServer.eras, "2026-07-28": { seen: "refused", status: 400 } },
    }).hosts;
    const chatgpt = columns.find(({ host }) => host === "chatgpt")?.verdicts.connect;
    expect(chatgpt).toMatchObject({ standing: "dead", finding: "session_demanded", basis: { certainty: "issue" } });
    expect(chatgpt?.basis?.source).toContain("openai-apps-sdk-examples #201");
  });
});
