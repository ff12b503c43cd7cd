const irregular: Readonly<Record<string, string>> = {
  cancel: "cancelled",
  clear: "cleared",
  put: "set",
  rekey: "rekeyed",
  retry: "retried",
  run: "ran",
  send: "sent",
  set: "set",
  unset: "unset",
};

/** What was done, by the name of the operation: "retryDeadJobs" is "retried dead jobs". */
export function changeText(operation: string): string {
  const [verb = "", ...rest] = operation.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`).split(" ");
  return [irregular[verb] ?? `${verb}d`, ...rest].join(" ");
}
