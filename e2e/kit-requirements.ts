import type { Requirement } from "./requirement.ts";

/** What the kit and the widget library promise, each with the tests that show it. */
export const kitRequirements: readonly Requirement[] = [];
