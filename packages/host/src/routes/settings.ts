import { ok } from "@countersign/protocol/result";
import type { Hono } from "hono";
import type { Events } from "../events.ts";
import type { Profiles } from "../profiles.ts";
import type { Door } from "./guard.ts";
import { type Operation, serveOperation } from "./operation.ts";
import { profileChoice, type ProfileChoice } from "./schemas/settings.ts";

export const chooseProfile: Operation<ProfileChoice, ProfileChoice> = {
  id: "chooseProfile",
  method: "PUT",
  path: "/api/settings/profile",
  tag: "Users",
  summary: "Choose the host that this one acts out for you, so that a server and its views meet what they will meet there.",
  audience: "console",
  body: profileChoice,
  status: 200,
  answer: profileChoice,
  errors: [],
};

export interface SettingsRoutes {
  readonly profiles: Profiles;
  readonly events: Events;
  readonly door: Door;
}

/** `/api/settings`. */
export function addSettingsRoutes(app: Hono, { profiles, events, door }: SettingsRoutes): void {
  serveOperation(app, door, chooseProfile, async ({ userId, body }) => {
    if (await profiles.choose(userId, body.profile)) events.publish(userId, { type: "settings", data: body }, userId);
    return ok(body);
  });
}
