import stringWidth from "string-width";
import { type Colors, printable } from "./text.ts";

export interface Column<Row> {
  readonly title: string;
  /** What stands in the cell: made printable, and cut where it is too long for the terminal. */
  readonly cell: (row: Row) => string;
  readonly align?: "left" | "right";
  /** Whether it is cut to a quarter of a terminal that is too narrow, so that something is left for the last column. */
  readonly givesWay?: boolean;
  /** Colours what `cell` gave. */
  readonly paint?: (text: string, row: Row) => string;
}

export interface TableOptions {
  readonly colors: Colors;
  /** How wide the table may be. The last column gives way, after those that say so. Default: as wide as it gets. */
  readonly width?: number | undefined;
}

const GAP = "  ";
/** The last column keeps at least so much. */
const LEAST_WIDTH = 10;
/** Others that give way keep at least so much. */
const LEAST_SHARE = 24;

/** Rows under their titles, in columns. Widths are those on screen, where some letters take two places and some none. */
export function table<Row>(columns: readonly Column<Row>[], rows: readonly Row[], options: TableOptions): string {
  const { width = Number.POSITIVE_INFINITY } = options;
  const gaps = GAP.length * (columns.length - 1);
  const whole = rows.map((row) => columns.map(({ cell }) => printable(cell(row))));
  const share = sum(widthsOf(columns, whole)) + gaps > width ? Math.max(width / 4, LEAST_SHARE) : width;
  const cells = whole.map((line) => line.map((text, index) => (columns[index]?.givesWay ? cut(text, share) : text)));
  const widths = widthsOf(columns, cells);
  const lastWidth = width - sum(widths.slice(0, -1)) - gaps;
  const line = (texts: readonly string[], paint: (text: string, index: number) => string) =>
    columns
      .map(({ align }, index) => {
        const isLast = index === columns.length - 1;
        const text = isLast ? cut(texts[index] ?? "", Math.max(lastWidth, LEAST_WIDTH)) : (texts[index] ?? "");
        const space = " ".repeat(Math.max(0, (widths[index] ?? 0) - stringWidth(text)));
        if (align === "right") return space + paint(text, index);
        return paint(text, index) + (isLast ? "" : space);
      })
      .join(GAP)
      .trimEnd();
  const titles = line(
    columns.map(({ title }) => title),
    (text) => options.colors.dim(text),
  );
  const lines = rows.map((row, at) =>
    line(cells[at] ?? [], (text, index) => columns[index]?.paint?.(text, row) ?? text),
  );
  return [titles, ...lines].join("\n");
}

function widthsOf<Row>(columns: readonly Column<Row>[], cells: readonly (readonly string[])[]): readonly number[] {
  return columns.map(({ title }, index) =>
    // Not as arguments of Math.max, of which there may not be so many as there are jobs.
    cells.reduce((widest, line) => Math.max(widest, stringWidth(line[index] ?? "")), stringWidth(title)),
  );
}

/** Facts with their names before them. */
export function facts(entries: readonly (readonly [name: string, value: string])[], colors: Colors): string {
  const width = Math.max(...entries.map(([name]) => name.length));
  return entries.map(([name, value]) => `${colors.dim(name.padEnd(width))}${GAP}${value}`).join("\n");
}

/** What people take for a letter may be several characters. */
const letters = new Intl.Segmenter();

/** Text that takes at most so many places. */
export function cut(text: string, width: number): string {
  if (stringWidth(text) <= width) return text;
  let kept = "";
  let left = width - 1;
  for (const { segment } of letters.segment(text)) {
    left -= stringWidth(segment);
    if (left < 0) break;
    kept += segment;
  }
  return `${kept}…`;
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
