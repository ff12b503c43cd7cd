/** Bars that belong together, one for each series that has a value. */
export interface Group {
  readonly label: string;
  readonly bars: readonly { readonly series: string; readonly value: number; readonly text: string }[];
}

export interface Chart {
  readonly title: string;
  /** The colour of each, in the order of the legend. */
  readonly series: ReadonlyMap<string, string>;
  readonly groups: readonly Group[];
  /** "log": equal lengths are equal ratios, for values that are far apart. */
  readonly scale: "linear" | "log";
  /** The value that the best bar could have: a dashed line across all bars. Default: no line. */
  readonly ideal?: number;
}

const WIDTH = 760;
const LABELS = 325;
const VALUES = 90;
const BAR = 16;
const GAP = 12;
const TOP = 34;
const LEGEND = 26;

/** A bar chart as SVG, readable in light and dark: text takes the colour that the reader's system prefers. */
export function barChart({ title, series, groups, scale, ideal }: Chart): string {
  const length = lengthsOf(groups, scale, ideal);
  const parts: string[] = [];
  let y = TOP + (series.size > 1 ? LEGEND : 0);
  for (const { label, bars } of groups) {
    const middle = y + (bars.length * BAR) / 2 + 4;
    parts.push(`<text x="${LABELS - 8}" y="${middle}" text-anchor="end">${escaped(label)}</text>`);
    for (const { series: name, value, text } of bars) {
      const width = Math.round(length(value));
      parts.push(`<rect x="${LABELS}" y="${y + 1}" width="${width}" height="${BAR - 2}" fill="${series.get(name)}"/>`);
      parts.push(`<text x="${LABELS + width + 6}" y="${y + 12}">${escaped(text)}</text>`);
      y += BAR;
    }
    y += GAP;
  }
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${y}" width="${WIDTH}" role="img" aria-label="${escaped(title)}">`,
    "<style>text{font:12px system-ui,sans-serif;fill:#1f2328}.title{font-weight:600;font-size:14px}",
    "@media(prefers-color-scheme:dark){text{fill:#e6edf3}}</style>",
    `<text class="title" x="8" y="20">${escaped(title)}</text>`,
    ...(series.size > 1 ? legend(series) : []),
    ...parts,
    ...(ideal === undefined ? [] : [idealLine(Math.round(LABELS + length(ideal)), y)]),
    "</svg>\n",
  ].join("\n");
}

function idealLine(x: number, bottom: number): string {
  return `<line x1="${x}" x2="${x}" y1="${TOP}" y2="${bottom}" stroke="#8a94a0" stroke-dasharray="4 3"/>`;
}

function lengthsOf(groups: readonly Group[], scale: Chart["scale"], ideal = 0): (value: number) => number {
  const bars = groups.flatMap((group) => group.bars.map(({ value }) => value));
  const values = [...bars, ideal].filter((value) => value > 0);
  const most = Math.max(...values);
  const room = WIDTH - LABELS - VALUES;
  if (scale === "linear") return (value) => (value / most) * room;
  // The shortest bar ends one power of ten, or a bit more, from the start.
  const start = Math.floor(Math.log10(Math.min(...values))) - 1;
  return (value) => (value > 0 ? ((Math.log10(value) - start) / (Math.log10(most) - start)) * room : 0);
}

function legend(series: ReadonlyMap<string, string>): readonly string[] {
  let x = 8;
  return [...series].flatMap(([name, color]) => {
    const at = x;
    x += 30 + name.length * 7;
    return [
      `<rect x="${at}" y="${TOP}" width="12" height="12" fill="${color}"/>`,
      `<text x="${at + 18}" y="${TOP + 11}">${escaped(name)}</text>`,
    ];
  });
}

function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;").replaceAll('"', "&quot;");
}
