/** How long an answer may come after the first one before the others continue without it. */
const LATE_MS = 1_000;

/** Waits until all have settled, or for a second after the first has answered. */
export async function unlessLate(asked: readonly Promise<unknown>[]): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = Promise.any(asked).then(
    () =>
      new Promise<void>((resolve) => {
        timer = setTimeout(resolve, LATE_MS);
      }),
    () => {},
  );
  await Promise.race([Promise.allSettled(asked), late]);
  clearTimeout(timer);
}
