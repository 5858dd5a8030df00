import type { Channel } from "./channel.ts";
import { connectionChannels } from "./connections.ts";
import { navigationChannels } from "./navigations.ts";
import { requestChannels } from "./requests.ts";

/** Every way out that the battery tries. */
export const channels: readonly Channel[] = [...requestChannels, ...connectionChannels, ...navigationChannels];
