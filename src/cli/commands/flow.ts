import type { CommandUnknownOpts } from "@commander-js/extra-typings";
import { busiestFirst } from "../../core/flow/busiest-keys.ts";
import type { FlowControlKey } from "../../core/flow/flow-keys.ts";
import { HIGHEST_LIMIT } from "../../core/job/flow-control.ts";
import { notFound } from "../../core/shared/errors.ts";
import { limitsText } from "../../http/dashboard/shown-texts.ts";
import { addAllQueues, noteMore, readLists } from "../all-queues.ts";
import { duration, whole } from "../option-values.ts";
import { type Column, facts, queueColumnOf } from "../output/table.ts";
import { count, printable } from "../output/text.ts";
import { fromNow, moment } from "../output/time.ts";
import { addPageOptions, readPages } from "../paging.ts";
import { addCommand, refuseUnknownSubcommand, subcommandsOf } from "../program.ts";
import type { Session } from "../session.ts";
import { quoted } from "../suggested-command.ts";
import { openTarget, refuseUnknownQueue, type Target } from "../target.ts";
import { UsageError } from "../usage-error.ts";

const KEY = "the flow control key";

export function addFlow(session: Session): void {
  const group = addCommand(
    session.program,
    "queue:flow",
    "list, limit and pause flow control keys",
    "Manages flow control keys: their running and waiting jobs, and their limits. Limits that you set stay until you unset them.",
    ["tidegate queue:flow", "list keys, the busiest first"],
    ["tidegate queue:flow tenant-7", "one key"],
    ["tidegate queue:flow set mail --rate 100 --period 1m", "set its limits"],
    ["tidegate queue:flow unset mail", "let enqueues set them again"],
    ["tidegate queue:flow pause tenant-7", "start none of its jobs until it is resumed"],
  );
  addList(group, session);
  addForKey(show, group, session);
  addSet(group, session);
  for (const action of [unset, pause, resume]) addForKey(action, group, session);
}

function addList(group: CommandUnknownOpts, session: Session): void {
  const command = addCommand(
    group,
    "list",
    "list keys, the busiest first, or show one",
    "Lists the keys that have jobs, an open window or pinned limits, or are paused. Only each page is sorted. To sort all keys, add --all. With a KEY, shows that one.",
    ["tidegate queue:flow --all-queues", "the keys of every queue, the busiest first"],
    ["tidegate queue:flow list --all --json", "every key, for a script"],
  );
  addAllQueues(addPageOptions(command))
    .argument("[key]", KEY)
    .allowExcessArguments()
    .action(async (key, options, command) => {
      refuseUnknownSubcommand(command);
      if (key !== undefined && options.allQueues)
        throw new UsageError("A KEY selects one key, so leave out --all-queues.");
      const target = await openTarget(session);
      if (key !== undefined) return showKey(key, target, session, ` ${subcommandsOf(group)}`);
      const { all, limit, cursor: from } = options;
      const readOf = async ({ queue }: Target, name: string | undefined) => {
        const read = (cursor: string | undefined) => queue.flowControl.list({ limit, cursor });
        const page = await readPages("keys", read, { from, all }, session);
        const placed = page.keys.map((each) => ({ ...each, ...(name !== undefined && { queue: name }) }));
        return { items: sorted(placed), cursor: page.cursor };
      };
      const found = await readLists(target, options, session, readOf, sorted);
      const { items: keys, cursor } = found;
      if (keys.length === 0) await refuseUnknownQueue(target, session);
      session.print({ keys, cursor }, () =>
        keys.length > 0
          ? session.table([...queueColumnOf(keys), ...columns(session)], keys)
          : "No flow control key is in use.",
      );
      await noteMore(found, target, session);
    });
}

type PlacedKey = FlowControlKey & { readonly queue?: string };

const sorted = (keys: readonly PlacedKey[]) => [...keys].sort(busiestFirst);

function columns({ colors }: Session): readonly Column<PlacedKey>[] {
  return [
    { title: "RUNNING", cell: ({ running }) => count(running), align: "right" },
    { title: "WAITING", cell: ({ waiting }) => count(waiting), align: "right" },
    { title: "LIMITS", cell: limitsText, givesWay: true },
    { title: "STATE", cell: states, paint: (text, { paused }) => (paused ? colors.yellow(text) : text) },
    { title: "KEY", cell: ({ key }) => key },
  ];
}

function states({ paused, pinned }: FlowControlKey): string {
  return [paused && "paused", pinned && "pinned"].filter(Boolean).join(", ") || "-";
}

/** A subcommand whose only argument is a key. */
interface KeyAction {
  readonly name: string;
  readonly summary: string;
  readonly description: string;
  readonly example: readonly [key: string, meaning: string];
  act(key: string, target: Target, session: Session): Promise<void>;
}

function addForKey(action: KeyAction, group: CommandUnknownOpts, session: Session): void {
  const { name, summary, description, example } = action;
  addCommand(group, name, summary, description, [`tidegate queue:flow ${name} ${example[0]}`, example[1]])
    .argument("<key>", KEY)
    .action(async (key) => action.act(key, await openTarget(session), session));
}

const show: KeyAction = {
  name: "show",
  summary: "show a key",
  description: "Shows the running and waiting jobs of a key, and its limits.",
  example: ["tenant-7", "one key"],
  act: showKey,
};

async function showKey(key: string, { queue }: Target, session: Session, hint = ""): Promise<void> {
  const found = await queue.flowControl.get(key);
  if (!found) throw notFound(`Nothing waits or runs under this key, and it is neither paused nor pinned.${hint}`);
  session.print(found, () => details(found, session));
}

function details(key: FlowControlKey, { now, colors }: Session): string {
  const { windowEndsAt, startedInWindow } = key;
  const closes = windowEndsAt && `closes ${moment(windowEndsAt)} (${fromNow(windowEndsAt, now)})`;
  const entries = [
    ["Key", printable(key.key)],
    ["Running", count(key.running)],
    ["Waiting", count(key.waiting)],
    ["Limits", limitsText(key)],
    ["Window", closes ? `${count(startedInWindow)} started, ${closes}` : "none is open"],
    ["State", states(key)],
  ] as const;
  return facts(entries, colors);
}

function addSet(group: CommandUnknownOpts, session: Session): void {
  addCommand(
    group,
    "set",
    "set and pin the limits of a key",
    "Replaces all limits of a key and pins them: enqueues no longer change them. A limit that you leave out is none.",
    ["tidegate queue:flow set tenant-7 --concurrency 2", "two at once"],
    ["tidegate queue:flow set mail --rate 100 --period 1m", "100 a minute"],
    ["tidegate queue:flow set mail", "without limits"],
  )
    .argument("<key>", KEY)
    .option("--concurrency <count>", "how many of its jobs may run at once", whole(1, HIGHEST_LIMIT))
    .option("--rate <count>", "how many may start in one period; needs --period", whole(1, HIGHEST_LIMIT))
    .option("--period <duration>", "how long that is, such as 1m", duration)
    .option("--ordered", "run them in the order of enqueuing, one at a time")
    .action(async (key, limits) => {
      const { queue, command } = await openTarget(session);
      const found = await queue.flowControl.set(key, limits);
      const undo = command(`queue:flow unset ${quoted(printable(key))}`);
      session.print(found, () => `Limits of ${printable(key)}: ${limitsText(found)}. They stay until: ${undo}`);
    });
}

const unset: KeyAction = {
  name: "unset",
  summary: "let enqueues set the limits of a key again",
  description: "Unpins the limits of a key. They hold until the next enqueue sets others.",
  example: ["mail", "let enqueues set its limits again"],
  async act(key, { queue }, session) {
    await queue.flowControl.unset(key);
    session.print({ pinned: false }, () => `The next enqueue sets the limits of ${printable(key)}.`);
  },
};

const pause: KeyAction = {
  name: "pause",
  summary: "pause a key until it is resumed",
  description: "Keeps the jobs of a key from starting. Running ones continue, and you can still enqueue.",
  example: ["tenant-7", "start none of its jobs"],
  async act(key, { queue, command }, session) {
    await queue.flowControl.pause(key);
    const undo = command(`queue:flow resume ${quoted(printable(key))}`);
    session.print({ paused: true }, () => `${printable(key)} is paused. Resume with: ${undo}`);
  },
};

const resume: KeyAction = {
  name: "resume",
  summary: "resume a paused key",
  description: "Lets the jobs of a key start again, within its limits.",
  example: ["tenant-7", "start its jobs again"],
  async act(key, { queue }, session) {
    await queue.flowControl.resume(key);
    session.print({ paused: false }, () => `${printable(key)} resumes with the next drain.`);
  },
};
