const noTasks = "the tasks extension is not served: behind the kit its methods do not exist";

/** The server scenarios that the fixture behind the kit does not pass, each with its reason. One that passes must leave the list. */
export const serverKnownFailures: Readonly<Record<string, string>> = {
  "tasks-lifecycle": noTasks,
  "tasks-capability-negotiation": noTasks,
  "tasks-wire-fields": noTasks,
  "tasks-request-state-removal": noTasks,
  "tasks-mrtr-input": noTasks,
  "tasks-request-headers": noTasks,
  "tasks-dispatch-and-envelope": noTasks,
  "tasks-required-task-error": noTasks,
  "tasks-mrtr-composition": noTasks,
};
