import { useEffect, useRef, useState } from "preact/hooks";

/** A value that changes often, as it was at the last frame that the browser drew; as it is once it does not change any more. */
export function useEachFrame<T>(value: T, changing: boolean): T {
  const [shown, setShown] = useState(value);
  const latest = useRef(value);
  const frame = useRef<number | undefined>(undefined);
  latest.current = value;
  useEffect(() => {
    if (!changing || frame.current !== undefined) return;
    frame.current = requestAnimationFrame(() => {
      frame.current = undefined;
      setShown(latest.current);
    });
  }, [value, changing]);
  useEffect(
    () => () => {
      if (frame.current !== undefined) cancelAnimationFrame(frame.current);
    },
    [],
  );
  return changing ? shown : value;
}
