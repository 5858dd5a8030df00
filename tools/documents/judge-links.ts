import type { Finding } from "../tidy/rules.ts";
import { dirname, join, normalize } from "node:path";
import type { Document } from "./read-document.ts";

/**
 * Links and pictures that lead nowhere: a file that is not in the tree, or an anchor that the document has not. Addresses elsewhere are not followed.
 *
 * @param exists whether a path from the root is there, as a file or a folder
 */
export function judgeLinks(documents: readonly Document[], exists: (path: string) => boolean): readonly Finding[] {
  const byPath = new Map(documents.map((each) => [each.path, each]));
  return documents.flatMap((document) =>
    document.links.flatMap(({ target, anchor, line }) => {
      if (/^[a-z]+:/.test(target)) return [];
      const path = target === "" ? document.path : normalize(join(dirname(document.path), target));
      const problem = (message: string): readonly Finding[] => [{ path: document.path, line, rule: "links", message }];
      if (path.startsWith("..") || !exists(path)) return problem(`${target} does not exist`);
      const linked = byPath.get(path);
      if (anchor === undefined || linked === undefined || linked.anchors.has(anchor)) return [];
      return problem(`${target}#${anchor}: no heading gives that anchor`);
    }),
  );
}
