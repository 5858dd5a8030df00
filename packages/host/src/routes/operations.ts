import type { JsonObject } from "@countersign/protocol/shape";
import { z } from "zod";
import type { FlowView } from "../authorize/flow-record.ts";
import type { StartLink } from "../authorize/start-links.ts";
import type { CallView } from "../call/record.ts";
import type { WidgetView } from "../resources/widgets.ts";
import { chatOperations } from "./chat-operations.ts";
import { type AnyOperation, noBody, type Operation } from "./operation.ts";
import { callView, type NewCall, newCall } from "./schemas/calls.ts";
import { newAnswers, type NewAnswers, newVisit, type NewVisit, visitView } from "./schemas/asking.ts";
import {
  agreedView,
  connectorChange,
  type ConnectorChange,
  connectorList,
  connectorView,
  type ConnectorView,
  newConnector,
  type NewConnector,
  removedView,
  toolAgreement,
  type ToolAgreement,
  toolList,
  type ToolView,
} from "./schemas/connectors.ts";
import { flowView, linkView, newLink, type NewLink } from "./schemas/flows.ts";
import { sessionView, type SessionView } from "./schemas/session.ts";
import { profileChoice, type ProfileChoice } from "./schemas/settings.ts";
import { newWidget, type NewWidget, widgetView } from "./schemas/widgets.ts";
import { examine } from "./doctor.ts";
import { noteLadder, readTrace } from "./trace-operations.ts";
import { viewOperations } from "./view-operations.ts";

const get = { method: "GET", body: noBody, status: 200, audience: "everyone" } as const;
const act = { method: "POST", body: noBody, status: 200, audience: "everyone" } as const;
const make = { method: "POST", audience: "everyone" } as const;

export const readSession: Operation<undefined, SessionView> = {
  ...get,
  id: "readSession",
  path: "/api/session",
  tag: "Users",
  summary: "Begin or continue the session of a page of the console, and read what it shows first.",
  audience: "console",
  answer: sessionView,
  errors: [],
};

export const listConnectors: Operation<undefined, { readonly connectors: readonly ConnectorView[] }> = {
  ...get,
  id: "listConnectors",
  path: "/api/connectors",
  tag: "Connectors",
  summary: "List the user's connectors. Those that are not connected yet begin to connect.",
  answer: connectorList,
  errors: [],
};

export const addConnector: Operation<NewConnector, ConnectorView> = {
  ...make,
  id: "addConnector",
  rate: "connect",
  path: "/api/connectors",
  tag: "Connectors",
  summary: "Connect a server by its URL. The same URL of the same user is the same connector.",
  body: newConnector,
  status: 201,
  answer: connectorView,
  errors: ["unsafe_url", "rate_limited"],
};

export const readConnector: Operation<undefined, ConnectorView> = {
  ...get,
  id: "readConnector",
  path: "/api/connectors/:id",
  tag: "Connectors",
  summary: "Read one connector.",
  answer: connectorView,
  errors: ["unknown_connector"],
};

export const changeConnector: Operation<ConnectorChange, ConnectorView> = {
  ...act,
  id: "changeConnector",
  method: "PATCH",
  path: "/api/connectors/:id",
  tag: "Connectors",
  summary: "Rename a connector that the user added, or change when and how the host signs in to it. Tokens that no longer fit are revoked.",
  body: connectorChange,
  answer: connectorView,
  errors: ["unknown_connector", "conflict", "invalid_metadata"],
};

export const signInConnector: Operation<undefined, FlowView> = {
  ...act,
  id: "signInConnector",
  path: "/api/connectors/:id/sign-in",
  tag: "Connectors",
  summary: "Sign in to the server itself: begins a sign-in or joins the one that runs. Once it is granted, the connector connects again.",
  status: 201,
  answer: flowView,
  errors: [
    "unknown_connector",
    "server_unreachable",
    "authorization_server_unreachable",
    "metadata_not_found",
    "invalid_metadata",
    "resource_mismatch",
    "issuer_mismatch",
    "pkce_unsupported",
    "registration_unavailable",
    "conflict",
  ],
};

export const removeConnector: Operation<undefined, { readonly removed: true }> = {
  ...act,
  id: "removeConnector",
  method: "DELETE",
  path: "/api/connectors/:id",
  tag: "Connectors",
  summary: "Remove a connector that the user added; its tokens are revoked.",
  answer: removedView,
  errors: ["unknown_connector"],
};

export const signOut: Operation<undefined, ConnectorView> = {
  ...act,
  id: "signOut",
  path: "/api/connectors/:id/sign-out",
  tag: "Connectors",
  summary: "Forget the tokens held for the connector and revoke them at their issuer.",
  answer: connectorView,
  errors: ["unknown_connector"],
};

export const listTools: Operation<undefined, { readonly tools: readonly ToolView[] }> = {
  ...get,
  id: "listTools",
  path: "/api/connectors/:id/tools",
  tag: "Connectors",
  summary: "List the tools that the server offers to this user.",
  answer: toolList,
  errors: ["unknown_connector", "authorization_required", "server_unreachable", "protocol_error", "response_too_large", "unsafe_url"],
};

export const agreeToTool: Operation<ToolAgreement, { readonly agreed: true }> = {
  ...act,
  id: "agreeToTool",
  path: "/api/connectors/:id/tools/agree",
  tag: "Connectors",
  summary: "Agree to a tool that has changed since it was used, as it was shown; until then it is paused for everybody who acts for the user.",
  body: toolAgreement,
  answer: agreedView,
  errors: ["unknown_connector", "unknown_tool", "tool_changed", "authorization_required", "server_unreachable"],
};

export const startCall: Operation<NewCall, CallView> = {
  ...make,
  id: "startCall",
  rate: "call",
  path: "/api/calls",
  tag: "Calls",
  summary:
    "Call a tool. Answers as soon as the call is stored, or with `wait` once it is over or waits for its user; what becomes of it is read from the call.",
  query: [
    {
      name: "wait",
      description:
        "Seconds to wait until the call is over, or has a `flow` or questions (`asking`) for its user, 0 to 25. The answer then is the call as it is. A call goes on when nobody waits.",
      schema: z.int().min(0).max(25).default(0),
    },
  ],
  emptyWhen: "The host that is acted out answers a view's call so. `countersign-call` names the call, which says why.",
  body: newCall,
  status: 202,
  answer: callView,
  errors: ["unknown_connector", "idempotency_conflict", "conflict", "rate_limited"],
};

export const readCall: Operation<undefined, CallView> = {
  ...get,
  id: "readCall",
  path: "/api/calls/:id",
  tag: "Calls",
  summary: "Read a call, at once or once it has changed (long poll).",
  query: [
    {
      name: "wait",
      description: "Seconds to wait for a change, 0 to 25. A call that is over is answered at once.",
      schema: z.int().min(0).max(25).default(0),
    },
    {
      name: "since",
      description:
        "The `version` that was read last: a call that has changed since is answered at once, so that no change is missed between two reads.",
      schema: z.int().min(0).exactOptional(),
    },
  ],
  answer: callView,
  errors: ["unknown_call", "rate_limited"],
};

export const cancelCall: Operation<undefined, CallView> = {
  ...act,
  id: "cancelCall",
  path: "/api/calls/:id/cancel",
  tag: "Calls",
  summary: "End a call. One that may have run already ends as `outcome_unknown`.",
  answer: callView,
  errors: ["unknown_call"],
};

export const answerCall: Operation<NewAnswers, CallView> = {
  ...make,
  id: "answerCall",
  path: "/api/calls/:id/answers",
  tag: "Calls",
  summary: "Give the user's answers to what the server asks; the call goes on by itself.",
  body: newAnswers,
  status: 200,
  answer: callView,
  errors: ["unknown_call", "conflict", "invalid_arguments"],
};

export const openQuestion: Operation<NewVisit, { readonly url: string }> = {
  ...make,
  id: "openQuestion",
  path: "/api/calls/:id/visits",
  tag: "Calls",
  summary: "The user has clicked to open an address that the server asks to visit: gives it, and counts it as opened.",
  body: newVisit,
  status: 200,
  answer: visitView,
  errors: ["unknown_call"],
};

export const readFlow: Operation<undefined, FlowView> = {
  ...get,
  id: "readFlow",
  path: "/api/flows/:id",
  tag: "Sign-in",
  summary: "Read a sign-in.",
  answer: flowView,
  errors: [],
};

export const cancelFlow: Operation<undefined, FlowView> = {
  ...act,
  id: "cancelFlow",
  path: "/api/flows/:id/cancel",
  tag: "Sign-in",
  summary: "End a sign-in because the user said so; the calls that wait for it end as `cancelled`.",
  answer: flowView,
  errors: [],
};

export const startDevice: Operation<undefined, FlowView> = {
  ...act,
  id: "startDevice",
  rate: "signIn",
  path: "/api/flows/:id/device",
  tag: "Sign-in",
  summary:
    "Sign in on another device (RFC 8628): gives a code and where to enter it. Only where `offersDevice` says so; asked again, gives the same code.",
  answer: flowView,
  errors: [
    "device_grant_unsupported",
    "access_denied",
    "cancelled",
    "flow_expired",
    "rate_limited",
    "unsafe_url",
    "invalid_metadata",
    "flow_failed",
    "authorization_server_unreachable",
  ],
};

export const makeLink: Operation<NewLink, StartLink> = {
  ...make,
  id: "makeLink",
  rate: "signIn",
  path: "/api/flows/:id/link",
  tag: "Sign-in",
  summary: "Make a link by which your user begins this sign-in in a window of their browser. It works once, for a minute.",
  audience: "products",
  body: newLink,
  status: 201,
  answer: linkView,
  errors: ["flow_expired", "rate_limited"],
};

export const createWidget: Operation<NewWidget, WidgetView> = {
  ...make,
  id: "createWidget",
  rate: "view",
  path: "/api/widgets",
  tag: "Views",
  summary: "Make a view of a `ui://` document for one frame of one page.",
  body: newWidget,
  status: 201,
  answer: widgetView,
  errors: ["unknown_connector", "widget_refused", "invalid_arguments", "server_unreachable", "protocol_error", "response_too_large", "rate_limited"],
};

export const readWidget: Operation<undefined, WidgetView> = {
  ...get,
  id: "readWidget",
  path: "/api/widgets/:id",
  tag: "Views",
  summary: "Read a view again, such as after a reload of the page.",
  answer: widgetView,
  errors: [],
};

export const chooseProfile: Operation<ProfileChoice, ProfileChoice> = {
  id: "chooseProfile",
  method: "PUT",
  path: "/api/settings/profile",
  tag: "Users",
  summary: "Choose the host that this one acts out for you, so that a server and its views meet what they will meet there.",
  audience: "console",
  // Every connector is connected anew.
  rate: "connect",
  body: profileChoice,
  status: 200,
  answer: profileChoice,
  errors: [],
};

export const deleteUser: Operation<undefined, { readonly deleted: true }> = {
  ...act,
  id: "deleteUser",
  method: "DELETE",
  path: "/api/user",
  tag: "Users",
  summary: "Delete the user with everything of theirs; calls end, tokens are revoked at their issuers.",
  answer: z.strictObject({ deleted: z.literal(true) }),
  errors: [],
};

export const followEvents: Operation<undefined, JsonObject> = {
  ...get,
  id: "followEvents",
  path: "/api/events",
  tag: "Events",
  summary: "Follow everything that happens to the user's calls, sign-ins and connectors.",
  answer: z.record(z.string(), z.unknown()),
  errors: ["rate_limited"],
};

/** Every operation, in the order of the document. */
export const operations: readonly AnyOperation[] = [
  readSession,
  listConnectors,
  addConnector,
  readConnector,
  changeConnector,
  removeConnector,
  signInConnector,
  signOut,
  listTools,
  agreeToTool,
  startCall,
  readCall,
  readTrace,
  noteLadder,
  cancelCall,
  answerCall,
  openQuestion,
  readFlow,
  cancelFlow,
  startDevice,
  makeLink,
  createWidget,
  readWidget,
  ...viewOperations,
  ...chatOperations,
  chooseProfile,
  examine,
  deleteUser,
  followEvents,
];
