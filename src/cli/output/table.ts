import stringWidth from "string-width";
import { type Colors, printable } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  /** The cell's text. It is made printable, and cut if the terminal is too narrow. */
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
  /** The width to which it is cut if the terminal is too narrow. The last column always is cut. */
  readonly givesWay?: number | undefined;
  /** Whether it is left out before a name is cut to less than `NAME_WIDTH`. */
  readonly isOptional?: boolean;
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableOptions<Row> {
  readonly colors: Colors;
  /** The largest width. Cuts the widest columns that give way. Default: unlimited. */
  readonly width?: number | undefined;
  /** A column whose cells are below their rows, wrapped. Default: none. */
  readonly below?: Column<Row> | undefined;
  /** The titles of columns for which there was no room. */
  readonly hidden?: readonly string[];
}

const GAP = "  ";
/** No column is cut to less. */
const LEAST_WIDTH = 8;
/** One very long name must not leave out the columns that a command is for. */
const NAME_WIDTH = 32;
const BELOW = { indent: 10, lines: 2 } as const;

/** A table with titles. It measures text as the screen shows it: some characters take two columns, and some none. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions<Row>): string {
  const { colors, width = Number.POSITIVE_INFINITY, below, hidden = [] } = options;
  const cells = rows.map((row) => columns.map(({ cell }) => printable(cell(row))));
  const last = columns.length - 1;
  // Math.max takes fewer arguments than there can be jobs.
  const wanted = columns.map(({ title }, index) =>
    cells.reduce((widest, texts) => Math.max(widest, stringWidth(texts[index] ?? "")), stringWidth(title)),
  );
  const needed = wanted.map((each, index) => (columns[index]?.givesWay ? Math.min(each, NAME_WIDTH) : each));
  const excess = needed.reduce((sum, each) => sum + each, GAP.length * last - width);
  const spare = excess > 0 && columns.findLast(({ isOptional }) => isOptional);
  const others = columns.filter((column) => column !== spare);
  if (spare) return table(others, rows, { ...options, hidden: [spare.title, ...hidden] });
  const least = columns.map(({ givesWay }, index) => givesWay ?? (index === last ? LEAST_WIDTH : Infinity));
  const narrowest = least.map((each) => (each === Infinity ? each : LEAST_WIDTH));
  const room = width - GAP.length * last;
  const widths = shrink(shrink(wanted, least, room), narrowest, room);
  const line = (texts: readonly string[], paint: (text: string, index: number) => string) =>
    columns
      .map(({ align }, index) => {
        const text = cut(texts[index] ?? "", widths[index] ?? 0);
        const space = " ".repeat(Math.max(0, (widths[index] ?? 0) - stringWidth(text)));
        if (align === "right") return space + paint(text, index);
        return paint(text, index) + (index === last ? "" : space);
      })
      .join(GAP)
      .trimEnd();
  const titles = columns.map(({ title }) => title);
  const lines = rows.flatMap((row, at) => [
    line(cells[at] ?? [], (text, index) => columns[index]?.paint?.(text, row) ?? text),
    ...wrap(printable(below?.cell(row) ?? ""), width - BELOW.indent, BELOW.lines).map(
      (each) => " ".repeat(BELOW.indent) + (below?.paint?.(each, row) ?? each),
    ),
  ]);
  const note = wrap(`A wider terminal also shows: ${hidden.join(", ")}.`, width, 3).map(colors.dim);
  return [line(titles, colors.dim), ...lines, ...(hidden[0] ? note : [])].join("\n");
}

function shrink(widths: readonly number[], least: readonly number[], room: number): readonly number[] {
  const fitted = [...widths];
  for (let excess = widths.reduce((sum, width) => sum + width, -room); excess > 0; excess--) {
    const spare = fitted.map((width, index) => (width > (least[index] ?? 0) ? width : 0));
    const widest = spare.indexOf(Math.max(...spare));
    if (!spare[widest]) break;
    fitted[widest] = (fitted[widest] ?? 0) - 1;
  }
  return fitted;
}

export function facts(entries: readonly (readonly [name: string, value: string])[], colors: Colors): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${colors.dim(name.padEnd(width))}${GAP}${value}`).join("\n");
}

/** A letter on screen may consist of several characters. */
const letters = new Intl.Segmenter();

export function cut(text: string, width: number): string {
  return stringWidth(text) <= width ? text : `${beginning(text, width - 1)}…`;
}

/** The longest beginning of a text that fits a width. */
function beginning(text: string, width: number): string {
  let kept = "";
  let left = width;
  for (const { segment } of letters.segment(text)) {
    left -= stringWidth(segment);
    if (left < 0) break;
    kept += segment;
  }
  return kept;
}

/** Breaks text into lines of a width, between words if possible. Cuts the last line. */
export function wrap(text: string, width: number, mostLines: number): readonly string[] {
  const lines: string[] = [];
  for (let rest = text; rest !== ""; ) {
    if (lines.length === mostLines - 1 || stringWidth(rest) <= width) return [...lines, cut(rest, width)];
    const whole = beginning(rest, width);
    const space = rest[whole.length] === " " ? whole.length : whole.lastIndexOf(" ");
    const line = space > 0 ? whole.slice(0, space) : whole || rest;
    lines.push(line);
    rest = rest.slice(line.length).trimStart();
  }
  return lines;
}
