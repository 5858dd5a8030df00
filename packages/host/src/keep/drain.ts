/** As many as one look into the storage may bring. */
export const drainPage = 1000;
/** A burst that is longer is gone on with at the next sweep. */
const pagesMax = 10;

/**
 * Works through a list that gets shorter by being worked on: `find` brings the next {@link drainPage} of it at most, `end` deals with one and says whether that took it off
 * the list. Stops at a page that is not full, that got no shorter, or after ten.
 */
export async function drain<T>(find: () => Promise<readonly T[]>, end: (one: T) => Promise<boolean>): Promise<void> {
  for (let page = 0; page < pagesMax; page += 1) {
    const found = await find();
    let ended = 0;
    for (const one of found) if (await end(one)) ended += 1;
    if (found.length < drainPage || ended === 0) return;
  }
}
