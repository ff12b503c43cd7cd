import type { Json, Refresh } from "../../snapshot.ts";
import { fetchSnapshot } from "../state/requests.ts";
import { change, state } from "../state/state.ts";
import { number, plural } from "../views/format.ts";
import { listedCount, MOST_COMMANDS } from "../views/jobs.ts";
import { ask } from "./outcome.ts";

type Jobs = NonNullable<Json<Refresh>["jobs"]>;

/** How many jobs a request of a search examines, and how many matches a list can hold. */
const EXAMINED_AT_ONCE = 1_000;
const MOST_SHOWN = 1_000;

/** Continues the search on screen to its end, after it has said what that costs. */
export function askToSearchAll(): void {
  const { snapshot, route } = state;
  const { jobs } = snapshot ?? {};
  if (!snapshot || !jobs) return;
  const left = Math.max(0, listedCount(snapshot.activity.stats) - Number(route.searched ?? 0) - (jobs.examined ?? 0));
  const most = Math.max(1, Math.ceil(left / EXAMINED_AT_ONCE)) * MOST_COMMANDS;
  ask({
    title: "Search everything?",
    text: `This reads the other ${plural(left, "job")}, for at most ${number(most)} commands if they are small. Closing this dialog stops the search.`,
    confirm: "Search everything",
    isLook: true,
    async act() {
      const { question } = state;
      let found: Jobs = jobs;
      while ((found.cursor ?? found.rest?.[0]) && found.rows.length < MOST_SHOWN && state.question === question) {
        found = await more(found);
        change({ progress: `${number(found.examined ?? 0)} searched, ${number(found.rows.length)} found.` });
      }
      if (state.snapshot?.jobs === jobs) change({ snapshot: { ...state.snapshot, jobs: found } });
      return "";
    },
  });
}

/** Searches on: in all queues, the first that is not finished. */
async function more({ rows, cursor, rest, examined = 0 }: Jobs): Promise<Jobs> {
  const { signal } = new AbortController();
  const [first, ...others] = rest ?? [];
  const from = first ? { ...first, scope: undefined } : { cursor: cursor ?? undefined };
  const response = await fetchSnapshot({ ...state.route, ...from }, { only: "contents" }, signal);
  const next = "jobs" in response ? response.jobs : undefined;
  const end = next?.cursor ?? null;
  const found = next?.rows.map((row) => ({ ...row, ...(first && { queue: first.queue }) })) ?? [];
  return {
    rows: [...rows, ...found],
    examined: examined + (next?.examined ?? 0),
    ...(first ? { cursor: null, rest: [...(end ? [{ ...first, cursor: end }] : []), ...others] } : { cursor: end }),
  };
}
