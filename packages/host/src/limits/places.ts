import type { PlaceBounds } from "@countersign/service/places";

/** Event streams: a browser needs one, a product one for each user that is there. */
export const streamPlaces: PlaceBounds = { user: 20, client: 2000, total: 5000 };
/** Examinations of servers: each presses somebody else for as long as it runs. */
export const examinationPlaces: PlaceBounds = { user: 1, client: 1, total: 10 };
/** Reads that wait for a change. */
export const pollPlaces: PlaceBounds = { user: 20, client: 2000, total: 5000 };
