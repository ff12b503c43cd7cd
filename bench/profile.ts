import { Session } from "node:inspector/promises";
import type { TaskReport } from "./task.ts";

interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

export interface Share {
  readonly name: string;
  /** The share of the time that was not idle. */
  readonly percent: number;
}

/** Records what the process spends its time on while it runs a task. */
export async function profiled(run: () => Promise<TaskReport>): Promise<TaskReport> {
  const session = new Session();
  session.connect();
  await session.post("Profiler.enable");
  await session.post("Profiler.start");
  const report = await run();
  const { profile } = await session.post("Profiler.stop");
  session.disconnect();
  return { ...report, profile: JSON.stringify(profile) };
}

/**
 * Reads a profile: the self time of each function, largest first.
 *
 * @param nameOf the name under which to count a function.
 */
export function sharesOf(text: string, nameOf: (frame: ProfileNode["callFrame"]) => string): readonly Share[] {
  const { nodes, samples, timeDeltas } = JSON.parse(text) as Profile;
  const frames = new Map(nodes.map((node) => [node.id, node.callFrame]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const frame = frames.get(id);
    if (!frame || isApart(frame)) return;
    const name = nameOf(frame);
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .map(([name, time]) => ({ name, percent: (time / total) * 100 }))
    .sort((a, b) => b.percent - a.percent);
}

/** Idle time, and the profiler's own. */
function isApart({ functionName, url }: ProfileNode["callFrame"]): boolean {
  return functionName === "(idle)" || (functionName === "dispatch" && url === "") || url === "node:internal/inspector";
}

/** The function and where it belongs. */
export function functionOf(frame: ProfileNode["callFrame"], moduleAt: (line: number) => string): string {
  const name = frame.functionName || `anonymous:${frame.lineNumber + 1}`;
  return name.startsWith("(") ? name : `${name} (${moduleOf(frame, moduleAt)})`;
}

/** @param moduleAt the source file of a line of the bundle. */
export function moduleOf(
  { functionName, url, lineNumber }: ProfileNode["callFrame"],
  moduleAt: (line: number) => string,
): string {
  if (functionName === "(garbage collector)") return "garbage collection";
  if (functionName.startsWith("(")) return "Node and V8: native code";
  if (functionName.startsWith("write") && url === "") return "writing to sockets (system calls)";
  if (url === "") return "Node and V8: native code";
  if (url.includes("/undici")) return "Node: fetch";
  if (url.startsWith("node:")) return "Node: streams, sockets, timers";
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/.][^/]*)/.exec(url)?.[1];
  return dependency ?? moduleAt(lineNumber);
}

/** Finds the source file of each line of an esbuild bundle, which has a comment above each file. */
export function modulesOf(bundle: string): (line: number) => string {
  let current = "the bundle";
  const modules = bundle.split("\n").map((line) => {
    current = /^\/\/ ((?:src|bench|test)\/\S+\.ts)$/.exec(line)?.[1] ?? current;
    return current;
  });
  return (line) => modules[line] ?? "the bundle";
}
