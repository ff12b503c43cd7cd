// How the page looks to this user, remembered by the browser.

/** The first of each is the default. */
export const choices = {
  theme: ["system", "light", "dark"],
  /** Whether the page refreshes by itself. */
  live: ["on", "off"],
} as const;

export type Setting = keyof typeof choices;

const keyOf = (setting: Setting) => `tidegate-${setting}`;

export function chosen(setting: Setting): string {
  const value = document.documentElement.dataset[setting] ?? "";
  return (choices[setting] as readonly string[]).includes(value) ? value : choices[setting][0];
}

export function chooseNext(setting: Setting): void {
  const all: readonly string[] = choices[setting];
  const next = all[(all.indexOf(chosen(setting)) + 1) % all.length] ?? "";
  document.documentElement.dataset[setting] = next;
  try {
    localStorage.setItem(keyOf(setting), next);
  } catch {
    // The browser keeps nothing for this site.
  }
}

export function recallSettings(): void {
  try {
    for (const setting of Object.keys(choices) as Setting[])
      document.documentElement.dataset[setting] = localStorage.getItem(keyOf(setting)) ?? "";
  } catch {
    // The defaults apply.
  }
}
