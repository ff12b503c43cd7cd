import { act } from "../state/requests.ts";
import { state } from "../state/state.ts";
import { plural } from "../views/format.ts";
import { ask, encoded, showOutcome, typedJson } from "./outcome.ts";

/** The dead jobs to act on: the one on screen, or the selected ones. */
function selection(): object {
  const { job } = state.snapshot ?? {};
  if (job) return { ids: [job.id] };
  if (!state.isAllSelected) return { ids: [...state.selected] };
  const { group, search } = state.route;
  if (group) return { group };
  return search ? { name: search } : { all: true };
}

/** Asks the handler how many jobs it would affect, then asks the user. */
export async function askForDead(what: "retry" | "remove", group?: string): Promise<void> {
  const jobs = group ? { group } : selection();
  const run = async (dryRun: boolean) => {
    const counts = await act<Record<string, number>>("POST", `dead-letter/${what}`, { ...jobs, dryRun });
    return plural(Object.values(counts)[0] ?? 0, "job");
  };
  const isRetry = what === "retry";
  const verb = isRetry ? "Retry" : "Remove";
  try {
    const count = await run(true);
    ask({
      title: `${verb} ${count}?`,
      text: isRetry
        ? `This would retry ${count}: as soon as possible, with all their retries.`
        : `This would remove ${count} for good, with their payloads.`,
      confirm: `${verb} ${count}`,
      isDangerous: !isRetry,
      act: async () => {
        await mustStillBe(count, () => run(true));
        return `${await run(false)} ${isRetry ? "retried" : "removed"}.`;
      },
    });
  } catch (error) {
    await showOutcome(Promise.reject(error));
  }
}

/** More jobs may have died since the user was asked. @throws {Error} if it is not the number that the user has seen. */
async function mustStillBe(count: string, read: () => Promise<string>): Promise<void> {
  const now = await read();
  if (now !== count) throw new Error(`It would be ${now} by now instead of ${count}. Nothing was changed: try again.`);
}

/** Retries the dead job on screen with a payload that the user edits first. */
export function askForPayload(): void {
  const { id = "", payload } = state.snapshot?.job ?? {};
  ask({
    title: "Retry with another payload",
    text: "The job runs as soon as possible, with all its retries.",
    confirm: "Retry",
    fields: [{ name: "payload", label: "Payload, as JSON", value: JSON.stringify(payload, null, 2), isLong: true }],
    async act(filled) {
      await act("POST", `dead-letter/${encoded(id)}/retry`, { payload: typedJson(filled["payload"]) });
      return "1 job retried.";
    },
  });
}

/** Retries a group of failures with one payload for all, which begins as that of the newest. */
export async function askForGroupPayload(group: string): Promise<void> {
  const sampleId = state.snapshot?.failures?.failures.find((each) => each.group === group)?.sampleId ?? "";
  const retry = async (options: object) => {
    const { retried } = await act<{ retried: number }>("POST", "dead-letter/retry", { group, ...options });
    return plural(retried, "job");
  };
  try {
    const [count, sample] = await Promise.all([
      retry({ dryRun: true }),
      act<{ payload: unknown }>("GET", `jobs/${encoded(sampleId)}`),
    ]);
    ask({
      title: `Retry ${count} with another payload`,
      text: `All ${count} get this payload, which begins as that of the newest. They run as soon as possible, with all their retries.`,
      confirm: `Retry ${count}`,
      fields: [
        { name: "payload", label: "Payload, as JSON", value: JSON.stringify(sample.payload, null, 2), isLong: true },
      ],
      async act({ payload }) {
        await mustStillBe(count, () => retry({ dryRun: true }));
        return `${await retry({ payload: typedJson(payload) })} retried.`;
      },
    });
  } catch (error) {
    await showOutcome(Promise.reject(error));
  }
}
