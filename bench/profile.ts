interface ProfileNode {
  readonly id: number;
  readonly callFrame: { readonly functionName: string; readonly url: string; readonly lineNumber: number };
}

interface Profile {
  readonly nodes: readonly ProfileNode[];
  readonly samples: readonly number[];
  readonly timeDeltas: readonly number[];
}

/** Reads what `node --cpu-prof` wrote: the functions with the most time of their own, in percent of the time not idle. */
export function hottest(text: string, most: number): readonly { readonly name: string; readonly percent: number }[] {
  const { nodes, samples, timeDeltas } = JSON.parse(text) as Profile;
  const names = new Map(nodes.map((node) => [node.id, nameOf(node)]));
  const times = new Map<string, number>();
  samples.forEach((id, index) => {
    const name = names.get(id) ?? "";
    times.set(name, (times.get(name) ?? 0) + (timeDeltas[index] ?? 0));
  });
  times.delete("(idle)");
  const total = [...times.values()].reduce((sum, time) => sum + time, 0);
  return [...times]
    .map(([name, time]) => ({ name, percent: (time / total) * 100 }))
    .sort((a, b) => b.percent - a.percent)
    .slice(0, most);
}

function nameOf({ callFrame: { functionName, url, lineNumber } }: ProfileNode): string {
  const name = functionName || `anonymous:${lineNumber + 1}`;
  if (name.startsWith("(")) return name;
  if (url.startsWith("node:")) return `${name} (${url})`;
  const dependency = /node_modules\/((?:@[^/]+\/)?[^/.][^/]*)/.exec(url)?.[1];
  return `${name} (${dependency ?? (url === "" ? "V8" : "Tidegate")})`;
}
