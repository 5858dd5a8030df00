import type { HostTable } from "./host-profile.ts";

/** Something that stands against what a host means to do, as its users reported it. */
export interface HostBug {
  /** The public thread. */
  readonly source: string;
  readonly effect: string;
}

/** What is reported and not known to be mended. Only the first of ChatGPT's is acted out under its profile: it decides what an app must do. */
export const hostBugs: HostTable<readonly HostBug[]> = {
  countersign: [],
  chatgpt: [
    {
      source: "openai-apps-sdk-examples #202",
      effect:
        "A view's call of a tool that needs sign-in is answered with HTTP 400 and {} when the server was connected without one; the model's call works.",
    },
    { source: "openai-apps-sdk-examples #201; community.openai.com 1380087, 1372031", effect: "The session id is not sent back." },
    { source: "openai-apps-sdk-examples #225", effect: "Always allow drops the link to the account, which has to be made anew." },
    { source: "openai-apps-sdk-examples #158", effect: "With some authorization servers nothing is shown but that something went wrong." },
    {
      source: "openai-apps-sdk-examples #142; community.openai.com 1379124",
      effect: "Each link asks whether it is safe, until a new version declares its domain.",
    },
    { source: "community.openai.com 1370765", effect: "Adding a server with anonymous tools asks for sign-in all the same." },
    { source: "community.openai.com 1367543", effect: "After hours a stream repeats its 401 and the token is not renewed." },
    { source: "community.openai.com 1366784", effect: "A new connection leaves the scope out." },
  ],
  claude: [
    { source: "claude-ai-mcp #764, #1013, #1064, #43", effect: "Adding a server with anonymous tools asks for sign-in, or shows no tools." },
    { source: "claude-ai-mcp #702", effect: "When a token is over, tools leave without a word." },
    { source: "claude-code #28258, #44652, #68720, #73712", effect: "A demand for more scopes is mostly passed over in the terminal." },
    { source: "claude-code #19066", effect: "Signing in again in the middle of work needs a command in the terminal." },
  ],
  vscode: [{ source: "vscode #263990", effect: "A token that is over is not renewed: the user signs in again." }],
  cursor: [],
  goose: [{ source: "goose #7334, #8725", effect: "When a token is over, calls fail until the server is connected anew." }],
  copilot: [],
  generic: [],
};
