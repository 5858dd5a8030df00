/** Stops a subscription. */
export type Unsubscribe = () => void;

/** A value that changes over time. A new listener hears the latest value at once, so nothing is missed between connect and subscribe. */
export interface Topic<T> {
  readonly latest: T | undefined;
  publish(value: T): void;
  subscribe(listener: (value: T) => void): Unsubscribe;
}

/** Makes a topic, silent until its first value. */
export function createTopic<T>(): Topic<T> {
  const listeners = new Set<(value: T) => void>();
  let latest: T | undefined;
  return {
    get latest() {
      return latest;
    },
    publish(value) {
      latest = value;
      for (const listener of new Set(listeners)) {
        listener(value);
      }
    },
    subscribe(listener) {
      listeners.add(listener);
      if (latest !== undefined) {
        listener(latest);
      }
      return () => {
        listeners.delete(listener);
      };
    },
  };
}
